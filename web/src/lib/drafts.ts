import { create } from 'zustand';

/**
 * Texts that were typed but not sent, one per conversation and mode. Invariant: a draft is only ever
 * read and written under the conversation it was typed in. They survive a reload of the tab, and tabs of one browser
 * share them: each writes only what was typed in it.
 */
export type DraftMode = 'reply' | 'note';

/** Where a draft belongs: a mode of the composer, or a reply that waits and is being changed. */
export type DraftPlace = DraftMode | `pending.${string}`;

const STORAGE_KEY = 'segue.drafts';
const WRITER_KEY = 'segue.drafts.writer';
const MAX_DRAFTS = 200;

interface DraftState {
  drafts: Record<string, string>;
}

export function draftKey(sessionId: string, mode: DraftPlace): string {
  return `${sessionId}:${mode}`;
}

function restore(): Record<string, string> {
  try {
    return parsed(localStorage.getItem(STORAGE_KEY));
  } catch {
    return {};
  }
}

function parsed(text: string | null): Record<string, string> {
  try {
    const stored: unknown = JSON.parse(text ?? '{}');
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

/** What was typed here, or emptied, and is not stored yet. */
const typed = new Map<string, string>();

/** Drafts with what was typed here on top; the newest stands last, so that the cap drops the oldest. */
function withTyped(drafts: Record<string, string>): Record<string, string> {
  const rest = Object.entries(drafts).filter(([key]) => !typed.has(key));
  const own = [...typed].filter(([, text]) => text !== '');
  return Object.fromEntries([...rest, ...own].slice(-MAX_DRAFTS));
}

function saveSoon(): void {
  clearTimeout(saving);
  saving = setTimeout(flushDrafts, 400);
}

const isOurs = () => ours === null || localStorage.getItem(WRITER_KEY) === ours;

export function flushDrafts(): void {
  try {
    if (typed.size === 0 || !isOurs()) return;
    localStorage.setItem(STORAGE_KEY, JSON.stringify(withTyped(restore())));
    typed.clear();
  } catch {
    // A full or blocked storage costs the draft after a reload, nothing else.
  }
}

export function readDraft(sessionId: string, mode: DraftPlace): string {
  return useDrafts.getState().drafts[draftKey(sessionId, mode)] ?? '';
}

export function writeDraft(sessionId: string, mode: DraftPlace, text: string): void {
  const key = draftKey(sessionId, mode);
  // Removing first moves the newest draft to the end.
  typed.delete(key);
  typed.set(key, text);
  useDrafts.setState(({ drafts }) => ({ drafts: withTyped(drafts) }));
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
  typed.clear();
  try {
    if (isOurs()) localStorage.setItem(STORAGE_KEY, '{}');
  } catch {
    // Without storage nothing of them is left.
  }
}

/** What another tab of the same user has typed, sent or thrown away. */
function onStorage(event: StorageEvent): void {
  if (event.key !== STORAGE_KEY || ours === null || !isOurs()) return;
  useDrafts.setState({ drafts: withTyped(parsed(event.newValue)) });
}

if (typeof window !== 'undefined') {
  window.addEventListener('storage', onStorage);
  window.addEventListener('pagehide', flushDrafts);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) flushDrafts();
  });
}
