import { api } from '@/api/client';
import type { Media } from '@/api/types';

export const uploadMedia = (file: File) => {
  const form = new FormData();
  form.append('file', file, file.name);
  return api.upload<Media>('/media', form);
};
