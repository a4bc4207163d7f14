import type { ContactSort, ContactView, FieldFilter } from '@/api/types';

type Query = ContactView['query'];
type Look = Omit<Query, 'columns'>;

/** What the list of contacts shows, as it stands in the address: it can be come back to and passed on. */
export interface ContactSearch {
  q?: string;
  list?: string;
  filters?: FieldFilter[];
  sort?: ContactSort;
  /** The saved view that it began with, which has the columns. */
  view?: string;
}

const OPERATORS: readonly string[] = [
  'equals',
  'not_equals',
  'contains',
  'exists',
  'missing',
  'at_least',
  'at_most',
];

function isFilter(value: unknown): value is FieldFilter {
  if (typeof value !== 'object' || value === null) return false;
  const { field, op, value: wanted } = value as Record<string, unknown>;
  return (
    typeof field === 'string' &&
    typeof op === 'string' &&
    OPERATORS.includes(op) &&
    typeof wanted === 'string'
  );
}

/** What can be read of an address, whoever wrote it. */
export function contactSearch(search: Record<string, unknown>): ContactSearch {
  const { q, list, filters, sort, view } = search;
  const good = Array.isArray(filters)
    ? filters.filter(isFilter).map(({ field, op, value }) => ({ field, op, value }))
    : [];
  return {
    ...(typeof q === 'string' || typeof q === 'number' ? { q: String(q) } : {}),
    ...(typeof list === 'string' ? { list } : {}),
    ...(good.length > 0 ? { filters: good } : {}),
    ...(sort === 'oldest' ? { sort } : {}),
    ...(typeof view === 'string' ? { view } : {}),
  };
}

/** What an address asks to see. */
export function lookOf(asked: ContactSearch): Look {
  return {
    search: asked.q ?? '',
    list_id: asked.list ?? null,
    filters: asked.filters ?? [],
    sort: asked.sort ?? 'newest',
  };
}

/** The address of what is seen. What is usual is left out. */
export function searchOf(look: Look, view: string | null): ContactSearch {
  return {
    ...(look.search === '' ? {} : { q: look.search }),
    ...(look.list_id === null ? {} : { list: look.list_id }),
    ...(look.filters.length === 0 ? {} : { filters: look.filters }),
    ...(look.sort === 'newest' ? {} : { sort: look.sort }),
    ...(view === null ? {} : { view }),
  };
}

let kept: { user: string | undefined; search: ContactSearch } | null = null;

/** Notes what the list shows, for the way back to it. */
export function keepSearch(user: string | undefined, search: ContactSearch): void {
  kept = { user, search };
}

/** What the list showed last to this user. */
export const keptSearch = (user: string | undefined): ContactSearch =>
  kept !== null && kept.user === user ? kept.search : {};
