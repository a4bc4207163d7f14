import { api } from '@/api/client';
import type { ConversationSettings } from '@/api/conversation-types';

export const fetchConversationSettings = (channelId: string, signal?: AbortSignal) =>
  api.get<ConversationSettings>(`/channels/${channelId}/conversation-settings`, {}, signal);
export const changeConversationSettings = (channelId: string, settings: ConversationSettings) =>
  api.put<ConversationSettings>(`/channels/${channelId}/conversation-settings`, settings);
