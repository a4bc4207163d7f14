import { describe, expect, it } from 'vitest';
import type { LiveEvent } from '@/api/events';
import { applyEvent } from './apply-event';
import { EMPTY, type LiveData } from './data';
import { message, session } from './fixtures';
import { addMessage, openThread } from './messages';
import { holdSessions, tidy } from './tidy';

const ended = (id: string) => session({ id, state: 'ended' });

function knowing(...ids: string[]): LiveData {
  return { ...EMPTY, sessions: Object.fromEntries(ids.map((id) => [id, ended(id)])) };
}

describe('what a shift gathers', () => {
  it('is no message of a conversation that was not opened', () => {
    let data: LiveData = EMPTY;
    for (let n = 1; n <= 10_000; n += 1) {
      const session_id = `ses_${n % 100}`;
      const id = `msg_${n}`;
      data = applyEvent(data, {
        seq: 2 * n,
        type: 'message.created',
        at: '2026-03-01T12:00:00.000Z',
        data: { message: { ...message(id), session_id }, session: session({ id: session_id }) },
      } as LiveEvent);
      data = applyEvent(data, {
        seq: 2 * n + 1,
        type: 'message.status',
        at: '2026-03-01T12:00:00.000Z',
        data: { session_id, message_id: id, state: 'read', error: null },
      } as LiveEvent);
    }
    expect(data.threads).toEqual({});
    expect(Object.keys(data.sessions)).toHaveLength(100);
  });

  it('is the messages of the last thirty conversations that were opened, and what is unsent', () => {
    const unsent = { ...message('local:1'), session_id: 'ses_0' };
    let data = addMessage(openThread(EMPTY, 'ses_0'), unsent);
    for (let n = 1; n <= 50; n += 1) data = openThread(data, `ses_${n}`);
    const kept = Object.keys(data.threads);
    expect(kept).toHaveLength(31);
    expect(kept).toContain('ses_0');
    expect(kept).toContain('ses_21');
    expect(kept).not.toContain('ses_20');
    expect(openThread(data, 'ses_50')).toBe(data);
    expect(Object.keys(openThread(data, 'ses_21').threads).at(-1)).toBe('ses_21');
  });

  it('is no conversation that ended and is on no screen for ten minutes', () => {
    const idle = new Map<string, number>();
    const listed = holdSessions(['ses_2']);
    const start = { ...openThread(knowing('ses_1', 'ses_2', 'ses_3'), 'ses_3') };
    const open = { ...start, sessions: { ...start.sessions, ses_4: session({ id: 'ses_4' }) } };
    expect(tidy(open, idle, 0)).toBe(open);
    expect(tidy(open, idle, 9 * 60_000)).toBe(open);
    const after = tidy(open, idle, 10 * 60_000);
    expect(Object.keys(after.sessions)).toEqual(['ses_2', 'ses_3', 'ses_4']);
    listed();
    expect(tidy(after, idle, 11 * 60_000)).toBe(after);
    expect(Object.keys(tidy(after, idle, 21 * 60_000).sessions)).toEqual(['ses_3', 'ses_4']);
  });

  it('is neither what went out of sight, nor who was typing', () => {
    const idle = new Map<string, number>();
    const data: LiveData = {
      ...EMPTY,
      sessions: { ses_1: session() },
      away: { ses_1: true },
      typing: { ses_2: { name: 'Maria', until: 5 } },
    };
    expect(tidy(data, idle, 6).typing).toEqual({});
    expect(tidy(data, idle, 6 + 10 * 60_000)).toMatchObject({ sessions: {}, away: {} });
  });
});
