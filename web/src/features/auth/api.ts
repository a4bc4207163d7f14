import { api } from '@/api/client';
import type { User, Workspace } from '@/api/types';

export interface Me {
  user: User;
  workspace: Workspace;
}

export const fetchMe = (signal?: AbortSignal) => api.get<Me>('/me', {}, signal);

export const signIn = (email: string, password: string) =>
  api.post<{ user: User }>('/login', { email, password });

export const signOut = () => api.post<undefined>('/logout');

export interface FirstAdmin {
  token: string;
  name: string;
  email: string;
  password: string;
  workspace_name: string;
  time_zone: string;
  country?: string;
}

export const createFirstAdmin = (input: FirstAdmin) => api.post<unknown>('/setup', input);
