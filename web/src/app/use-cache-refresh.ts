import {
  CancelledError,
  type InfiniteData,
  type Query,
  type QueryClient,
} from '@tanstack/react-query';
import { useEffect } from 'react';
import type { LiveEvent } from '@/api/events';
import { LONG_LIST } from '@/api/query-client';
import { keys } from '@/api/query-keys';
import { onLiveEvent, useLive } from '@/live';

const CALM_MS = 500;

/** Which fetched data an event makes old. */
export function staleKeys(event: LiveEvent): (readonly unknown[])[] {
  switch (event.type) {
    case 'campaign.updated':
      return [keys.campaigns];
    case 'campaign.progress':
      return [keys.funnel(event.data.campaign_id), keys.variants(event.data.campaign_id)];
    case 'template.updated':
      return [keys.allTemplates];
    case 'channel.updated':
      return [keys.setup];
    case 'import.progress':
      return event.data.import.state === 'running' || event.data.import.state === 'undoing'
        ? [keys.import(event.data.import.id), keys.lists]
        : [keys.imports, keys.lists, keys.contacts, keys.tables];
    case 'lead.created':
    case 'case.updated':
      return [keys.panels];
    case 'contact.updated':
      return [keys.contacts, keys.panels];
    case 'consent.changed':
      return [keys.contacts, keys.panels, keys.allConsentReviews, keys.programmes];
    case 'message.created':
    case 'message.updated':
      // Who the customer is can have changed with it: the session is told with the message, and not again.
      return [
        keys.panel(event.data.session.id),
        ...(event.data.message.media === null ? [] : [keys.allFiles]),
      ];
    case 'mention.created':
    case 'mention.read':
      return [keys.mentions];
    case 'session.updated':
      return [keys.panel(event.data.session.id)];
    default:
      return [];
  }
}

/** So many pages of a long list are fetched again by themselves. */
const BY_ITSELF = 3;

const waits = (query: Query): boolean =>
  query.meta?.list === LONG_LIST.list &&
  ((query.state.data as InfiniteData<unknown> | undefined)?.pages.length ?? 0) > BY_ITSELF;

const growing = (query: Query): boolean =>
  query.state.fetchStatus === 'fetching' && query.state.fetchMeta?.fetchMore !== undefined;

/** Lists that are made old when their next page is there. */
const toldLater = new WeakSet<Query>();

/** Lists that are fetched again because they are old. */
const watched = new WeakSet<Query>();

/** Makes a list old again when what it was fetched again for was stopped by the wish for its next page. */
function watch(cache: QueryClient, query: Query): void {
  const of = query.promise;
  const ended = (error?: unknown) => {
    const isStopped = error instanceof CancelledError;
    // More news stopped it, and it was begun anew.
    const isAnew = query.state.fetchStatus === 'fetching' && query.promise !== of;
    if (isStopped && isAnew && !growing(query)) {
      watch(cache, query);
      return;
    }
    watched.delete(query);
    if (isStopped && growing(query)) makeOld(cache, query.queryKey);
  };
  of?.then(() => ended(), ended);
}

/**
 * Fetches again what is shown under a key; of long lists it is only noted that they are old.
 *
 * Somebody waits for a list that is fetching its next page: to fetch it again would stop that, and their click would do
 * nothing. It is made old when the page is there.
 */
export function makeOld(cache: QueryClient, queryKey: readonly unknown[]): void {
  const later = cache.getQueryCache().findAll({ queryKey, predicate: growing });
  const now = (query: Query) => !later.includes(query);
  void cache.invalidateQueries({ queryKey, predicate: (query) => now(query) && !waits(query) });
  void cache.invalidateQueries({
    queryKey,
    predicate: (query) => now(query) && waits(query),
    refetchType: 'none',
  });
  // Who asks for the next page meanwhile stops this, and the pages that are there would stay as they are.
  for (const query of cache.getQueryCache().findAll({ queryKey, fetchStatus: 'fetching' })) {
    if (later.includes(query) || watched.has(query)) continue;
    watched.add(query);
    watch(cache, query);
  }
  for (const query of later) {
    if (toldLater.has(query)) continue;
    toldLater.add(query);
    const again = () => {
      toldLater.delete(query);
      makeOld(cache, query.queryKey);
    };
    query.promise?.then(again, again);
  }
}

/** Refetches what events made old, at most twice a second whatever their number. */
export function useCacheRefresh(cache: QueryClient): void {
  useEffect(() => {
    const waiting = new Map<string, readonly unknown[]>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      timer = undefined;
      for (const key of waiting.values()) makeOld(cache, key);
      waiting.clear();
    };
    const stopEvents = onLiveEvent((event) => {
      for (const key of staleKeys(event)) waiting.set(JSON.stringify(key), key);
      if (waiting.size > 0) timer ??= setTimeout(flush, CALM_MS);
    });
    // After a gap everything fetched may be old. What is fetched beside the first snapshot is not.
    let isFresh = useLive.getState().status !== 'live';
    const stopStatus = useLive.subscribe((state, before) => {
      if (state.user === null) isFresh = true;
      else if (state.status === 'offline') isFresh = false;
      else if (state.status === 'live' && before.status !== 'live') {
        if (!isFresh) makeOld(cache, []);
        isFresh = false;
      }
    });
    return () => {
      stopEvents();
      stopStatus();
      clearTimeout(timer);
    };
  }, [cache]);
}
