// @vitest-environment happy-dom
import { beforeEach, expect, it } from 'vitest';
import { clearDrafts, keepDraftsOf, readDraft, writeDraft } from './drafts';

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
