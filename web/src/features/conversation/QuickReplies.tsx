import { useQuery } from '@tanstack/react-query';
import { useId, useState, type KeyboardEvent } from 'react';
import { keys } from '@/api/query-keys';
import type { QuickReply } from '@/api/types';
import { fetchQuickReplies } from './api';
import css from './composer.module.css';
import { optionId } from './use-mentions';

export interface QuickReplyState {
  open: 'yes' | 'no';
  /** The id of the open list. */
  listId: string;
  options: QuickReply[];
  active: number;
  setActive: (index: number) => void;
  /** Handles the keys of the open list; true if the key was used. */
  onKey: (event: KeyboardEvent, choose: (text: string) => void) => boolean;
}

/** The list behind `/`: open while the draft starts with a slash and something matches. */
export function useQuickReplies(draft: string): QuickReplyState {
  const listId = useId();
  const [dismissed, setDismissed] = useState<string | null>(null);
  const [activeFor, setActiveFor] = useState({ draft: '', index: 0 });
  const slash = draft.startsWith('/') && !draft.includes('\n');
  const { data } = useQuery({
    queryKey: keys.quickReplies,
    queryFn: ({ signal }) => fetchQuickReplies(signal),
    enabled: slash,
    staleTime: 300_000,
  });
  const all = data === undefined ? [] : Array.isArray(data) ? data : data.data;
  const words = draft.slice(1).toLowerCase();
  const options = slash
    ? all.filter((each) => `${each.title} ${each.text}`.toLowerCase().includes(words)).slice(0, 8)
    : [];
  const active = activeFor.draft === draft ? Math.min(activeFor.index, options.length - 1) : 0;
  const setActive = (index: number) => setActiveFor({ draft, index });
  const onKey: QuickReplyState['onKey'] = (event, choose) => {
    const chosen = options[active];
    if (event.key === 'ArrowDown') setActive((active + 1) % options.length);
    else if (event.key === 'ArrowUp') setActive((active - 1 + options.length) % options.length);
    else if ((event.key === 'Enter' || event.key === 'Tab') && chosen !== undefined)
      choose(chosen.text);
    else if (event.key === 'Escape') setDismissed(draft);
    else return false;
    event.preventDefault();
    return true;
  };
  const open = options.length > 0 && dismissed !== draft ? 'yes' : 'no';
  return { open, listId, options, active, setActive, onKey };
}

export function QuickReplies({
  state,
  onChoose,
}: {
  state: QuickReplyState;
  onChoose: (text: string) => void;
}) {
  return (
    <ul
      className={css.replies}
      id={state.listId}
      role="listbox"
      aria-label="Quick replies"
      data-testid="quick-replies"
    >
      {state.options.map((reply, index) => (
        <li
          key={reply.id}
          id={optionId(state.listId, index)}
          role="option"
          aria-selected={index === state.active}
          onPointerEnter={() => state.setActive(index)}
          onMouseDown={(event) => {
            event.preventDefault();
            onChoose(reply.text);
          }}
        >
          <strong>{reply.title}</strong>
          <span>{reply.text}</span>
        </li>
      ))}
    </ul>
  );
}
