import { useQuery } from '@tanstack/react-query';
import { useRef, useState, type KeyboardEvent } from 'react';
import type { Colleague } from '@/api/inbox-types';
import { keys } from '@/api/query-keys';
import { announce, notify } from '@/ui';
import { fetchColleagues } from './api';
import { matching, nameAt, withIds } from './mention-text';

export interface MentionState {
  open: 'yes' | 'no';
  listId: string;
  options: Colleague[];
  active: number;
  setActive: (index: number) => void;
  choose: (colleague: Colleague) => void;
  /** Handles the keys of the open list; true if the key was used. */
  onKey: (event: KeyboardEvent) => boolean;
  /** The note with the ids of those who were chosen. */
  withIds: (text: string) => string;
}

export const optionId = (listId: string, index: number) => `${listId}-${index}`;

/** The list behind `@` in a note: colleagues by name, those who cannot see the conversation last. */
export function useMentions(
  sessionId: string,
  draft: { active: boolean; text: string; caret: number },
  write: (text: string, caret: number) => void,
): MentionState {
  const chosen = useRef(new Map<string, string>());
  const [dismissed, setDismissed] = useState<string | null>(null);
  const [activeFor, setActiveFor] = useState({ words: '', index: 0 });
  const found = draft.active ? nameAt(draft.text, draft.caret) : null;
  const { data } = useQuery({
    queryKey: keys.colleagues(sessionId),
    queryFn: ({ signal }) => fetchColleagues(sessionId, signal),
    enabled: found !== null,
    staleTime: 15_000,
  });
  const options = found === null ? [] : matching(data?.data ?? [], found.words);
  const words = found === null ? '' : `${found.at}:${found.words}`;
  const active = activeFor.words === words ? Math.min(activeFor.index, options.length - 1) : 0;
  const setActive = (index: number) => {
    setActiveFor({ words, index });
    const option = options[index];
    if (option !== undefined) announce(spoken(option));
  };
  const choose = (colleague: Colleague) => {
    if (found === null) return;
    if (!colleague.can_see) {
      notify.problem(
        `${colleague.name} cannot see this conversation`,
        'Hand it over, or ask a supervisor to look at it.',
      );
      return;
    }
    chosen.current.set(colleague.name, colleague.id);
    const text = `${draft.text.slice(0, found.at)}@${colleague.name} ${draft.text.slice(draft.caret)}`;
    write(text, found.at + colleague.name.length + 2);
  };
  const onKey = (event: KeyboardEvent) => {
    const option = options[active];
    if (event.key === 'ArrowDown') setActive((active + 1) % options.length);
    else if (event.key === 'ArrowUp') setActive((active - 1 + options.length) % options.length);
    else if ((event.key === 'Enter' || event.key === 'Tab') && option !== undefined) choose(option);
    else if (event.key === 'Escape') setDismissed(words);
    else return false;
    event.preventDefault();
    return true;
  };
  const open = options.length > 0 && dismissed !== words ? 'yes' : 'no';
  return {
    open,
    listId: `mentions-${sessionId}`,
    options,
    active,
    setActive,
    choose,
    onKey,
    withIds: (text) => {
      // A name that was typed in full is meant as one, when only one colleague has it.
      const all = new Map(chosen.current);
      for (const each of data?.data ?? []) {
        const same = (data?.data ?? []).filter((other) => other.name === each.name);
        if (same.length === 1 && !all.has(each.name)) all.set(each.name, each.id);
      }
      return withIds(text, all);
    },
  };
}

export function spoken(colleague: Colleague): string {
  return colleague.can_see ? colleague.name : `${colleague.name}, cannot see this conversation`;
}
