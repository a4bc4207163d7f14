import { create } from 'zustand';

/**
 * Texts that were typed but not sent, one per conversation and mode. Invariant: a draft is only ever
 * read and written under the conversation it was typed in. They survive a reload of the tab.
 */
export type DraftMode = 'reply' | 'note';

const STORAGE_KEY = 'segue.drafts';
const WRITER_KEY = 'segue.drafts.writer';
const MAX_DRAFTS = 200;

interface DraftState {
  drafts: Record<string, string>;
}

export function draftKey(sessionId: string, mode: DraftMode): string {
  return `${sessionId}:${mode}`;
}

function restore(): Record<string, string> {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '{}');
    if (typeof stored !== 'object' || stored === null) return {};
    return Object.fromEntries(
      Object.entries(stored).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string',
      ),
    );
  } catch {
    return {};
  }
}

export const useDrafts = create<DraftState>(() => ({ drafts: restore() }));

/** Whose drafts this tab holds. Another tab of the browser may have changed to somebody else. */
let ours: string | null = null;

let saving: ReturnType<typeof setTimeout> | undefined;

function saveSoon(): void {
  clearTimeout(saving);
  saving = setTimeout(flushDrafts, 400);
}

export function flushDrafts(): void {
  try {
    if (ours !== null && localStorage.getItem(WRITER_KEY) !== ours) return;
    localStorage.setItem(STORAGE_KEY, JSON.stringify(useDrafts.getState().drafts));
  } catch {
    // A full or blocked storage costs the draft after a reload, nothing else.
  }
}

export function readDraft(sessionId: string, mode: DraftMode): string {
  return useDrafts.getState().drafts[draftKey(sessionId, mode)] ?? '';
}

export function writeDraft(sessionId: string, mode: DraftMode, text: string): void {
  useDrafts.setState(({ drafts }) => {
    const key = draftKey(sessionId, mode);
    // Removing first moves the newest draft to the end, so that the cap drops the oldest.
    const { [key]: _, ...rest } = drafts;
    if (text === '') return { drafts: rest };
    const kept = Object.entries(rest).slice(-(MAX_DRAFTS - 1));
    return { drafts: { ...Object.fromEntries(kept), [key]: text } };
  });
  saveSoon();
}

/** Forgets the drafts of whoever was signed in before, whose login may have ended without signing out. */
export function keepDraftsOf(userId: string): void {
  try {
    const writer = localStorage.getItem(WRITER_KEY);
    localStorage.setItem(WRITER_KEY, userId);
    ours = userId;
    if (writer !== null && writer !== userId) clearDrafts();
  } catch {
    // Without storage there are no drafts of anybody else.
  }
}

export function clearDrafts(): void {
  useDrafts.setState({ drafts: {} });
  flushDrafts();
}
