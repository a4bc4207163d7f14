import { api } from '@/api/client';
import type { Presence, PresenceStatus, Session } from '@/api/types';

export const setPresence = (status: PresenceStatus) => api.put<Presence>('/presence', { status });

export const acceptOffer = (offerId: string) => api.post<Session>(`/offers/${offerId}/accept`);

export const declineOffer = (offerId: string) => api.post<unknown>(`/offers/${offerId}/decline`);
