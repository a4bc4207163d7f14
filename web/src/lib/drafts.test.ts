// @vitest-environment happy-dom
import { beforeEach, expect, it, vi } from 'vitest';
import { clearDrafts, flushDrafts, keepDraftsOf, readDraft, writeDraft } from './drafts';

beforeEach(() => {
  localStorage.clear();
  clearDrafts();
});

it('keeps the drafts of one user and forgets them when another signs in', () => {
  keepDraftsOf('usr_ann');
  writeDraft('ses_1', 'reply', 'half a sentence');
  keepDraftsOf('usr_ann');
  expect(readDraft('ses_1', 'reply')).toBe('half a sentence');
  keepDraftsOf('usr_bob');
  expect(readDraft('ses_1', 'reply')).toBe('');
});

it('writes nothing over the drafts of somebody who signed in in another tab', () => {
  keepDraftsOf('usr_ann');
  writeDraft('ses_1', 'reply', 'from Ann');
  // What the other tab did.
  localStorage.setItem('segue.drafts.writer', 'usr_bob');
  localStorage.setItem('segue.drafts', '{}');
  flushDrafts();
  expect(localStorage.getItem('segue.drafts')).toBe('{}');
});

/** A tab of the browser: the module anew, over the same storage. */
async function tab() {
  vi.resetModules();
  const opened = await import('./drafts');
  opened.keepDraftsOf('usr_ann');
  return opened;
}

/** What the browser tells the other tabs when one has written. */
const told = () =>
  window.dispatchEvent(
    new StorageEvent('storage', {
      key: 'segue.drafts',
      newValue: localStorage.getItem('segue.drafts'),
    }),
  );

it('keeps what two tabs have typed, and does not bring back what one of them has sent', async () => {
  const first = await tab();
  first.writeDraft('ses_1', 'reply', 'to be sent');
  first.flushDrafts();
  const second = await tab();
  expect(second.readDraft('ses_1', 'reply')).toBe('to be sent');
  second.writeDraft('ses_1', 'reply', '');
  second.writeDraft('ses_2', 'reply', 'of the second');
  second.flushDrafts();
  first.writeDraft('ses_3', 'note', 'of the first');
  first.flushDrafts();
  expect(JSON.parse(localStorage.getItem('segue.drafts') ?? '')).toEqual({
    'ses_2:reply': 'of the second',
    'ses_3:note': 'of the first',
  });
  first.writeDraft('ses_3', 'note', 'of the first, longer');
  told();
  expect(first.readDraft('ses_1', 'reply')).toBe('');
  expect(first.readDraft('ses_2', 'reply')).toBe('of the second');
  expect(first.readDraft('ses_3', 'note')).toBe('of the first, longer');
});

it('stores the last words when the page is hidden', async () => {
  const only = await tab();
  only.writeDraft('ses_1', 'reply', 'just typed');
  window.dispatchEvent(new Event('pagehide'));
  expect(localStorage.getItem('segue.drafts')).toContain('just typed');
});

it('takes nothing from a tab in which somebody else is signed in', async () => {
  const only = await tab();
  localStorage.setItem('segue.drafts.writer', 'usr_bob');
  localStorage.setItem('segue.drafts', '{"ses_9:reply":"of Bob"}');
  told();
  expect(only.readDraft('ses_9', 'reply')).toBe('');
});
