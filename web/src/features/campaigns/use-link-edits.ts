import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useRef, useState } from 'react';
import { ApiError } from '@/api/errors';
import type { LinkSettings } from '@/api/link-types';
import { keys } from '@/api/query-keys';
import type { Typed } from '@/ui';
import { changeLinks } from './links-api';

/** What was changed about a draft's links and not saved yet. `save` fails when it is not saved by it. */
export function useLinkEdits(campaignId: string) {
  const cache = useQueryClient();
  const [edited, setEdited] = useState<Partial<LinkSettings>>({});
  const latest = useRef(edited);
  // A half typed end is neither the one before nor none.
  const [end, setEnd] = useState<Typed>('whole');
  const put = (next: Partial<LinkSettings>) => {
    latest.current = next;
    setEdited(next);
  };
  const set = (change: Partial<LinkSettings>) => put({ ...latest.current, ...change });
  const save = useCallback(async () => {
    const sent = latest.current;
    if (end === 'half') {
      const detail = 'The end of the links is no whole date yet. Complete it, or empty the field.';
      throw new ApiError(422, { detail });
    }
    if (Object.keys(sent).length === 0) return;
    cache.setQueryData(keys.campaignLinks(campaignId), await changeLinks(campaignId, sent));
    // What was changed again meanwhile is still to be saved.
    const left = Object.entries(latest.current).filter(
      ([name, value]) => !(name in sent) || sent[name as keyof LinkSettings] !== value,
    );
    latest.current = Object.fromEntries(left);
    setEdited(latest.current);
  }, [cache, campaignId, end]);
  const dirty = Object.keys(edited).length > 0 || end === 'half';
  return { edited, set, setEnd, save, dirty };
}

export type LinkEdits = ReturnType<typeof useLinkEdits>;
