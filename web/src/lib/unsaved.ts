import { useCallback, useId, useLayoutEffect } from 'react';

/**
 * What is on the screen and not saved. `unsaved` is lost by leaving the page, `saving` is saved by that and lost only
 * when the window closes first.
 */
export type Unsaved = 'saved' | 'saving' | 'unsaved';

const held = new Map<string, { what: string; state: Unsaved }>();

/** Asks before `what` is lost while this is on the screen. Gives what lets it go, for whoever leaves after a save. */
export function useUnsaved(what: string, state: Unsaved): () => void {
  const id = useId();
  useLayoutEffect(() => {
    if (state === 'saved') return;
    held.set(id, { what, state });
    return () => void held.delete(id);
  }, [id, what, state]);
  return useCallback(() => void held.delete(id), [id]);
}

/** The names of what leaving the page loses. */
export const lostByLeaving = (): string[] =>
  [...held.values()].filter((each) => each.state === 'unsaved').map((each) => each.what);

/** Whether closing the window loses something. */
export const isLostByClosing = (): boolean => held.size > 0;
