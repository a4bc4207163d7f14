// @vitest-environment happy-dom
import { beforeEach, expect, it } from 'vitest';
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
