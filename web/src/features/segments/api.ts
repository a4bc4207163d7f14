import { api } from '@/api/client';
import type { DataTableDefinition } from '@/api/table-types';
import type {
  ConditionCheck,
  ContactList,
  Page,
  Segment,
  SegmentGroup,
  SegmentMember,
} from '@/api/types';

/** A condition as a text or as a form. */
export type ConditionInput = { condition: string } | { form: SegmentGroup };

export const fetchSegments = (cursor: string | null, signal?: AbortSignal) =>
  api.get<Page<Segment>>('/segments', { cursor, limit: 50 }, signal);

export const fetchSegment = (id: string, signal?: AbortSignal) =>
  api.get<Segment>(`/segments/${id}`, {}, signal);

export const createSegment = (name: string, condition: ConditionInput) =>
  api.post<Segment>('/segments', { name, ...condition });

/** Refused when the segment has another version by now. */
export const changeSegment = (
  id: string,
  name: string,
  condition: ConditionInput,
  version: number,
) => api.patch<Segment>(`/segments/${id}`, { name, ...condition, version });

export const deleteSegment = (id: string) => api.delete<unknown>(`/segments/${id}`);

export const checkCondition = (condition: ConditionInput) =>
  api.post<ConditionCheck>('/segments/check', condition);

export const fetchCount = (id: string, signal?: AbortSignal) =>
  api.get<{ count: number }>(`/segments/${id}/count`, {}, signal);

export const fetchMembers = (id: string, cursor: string | null, signal?: AbortSignal) =>
  api.get<Page<SegmentMember>>(`/segments/${id}/members`, { cursor, limit: 50 }, signal);

export const fetchLists = (signal?: AbortSignal) =>
  api.get<Page<ContactList>>('/lists', {}, signal);

export const fetchTables = (signal?: AbortSignal) =>
  api.get<Page<DataTableDefinition>>('/tables', {}, signal);
