import { describe, expect, it } from 'vitest';
import { agentUser, session } from './fixtures';
import { holdOrder, matches, tabIds } from './select';

const at = (minute: number) => `2026-03-01T12:${String(minute).padStart(2, '0')}:00.000Z`;

describe('tabIds', () => {
  const sessions = {
    a: session({ id: 'a', last_message: { text: 'x', at: at(1), direction: 'inbound' } }),
    b: session({ id: 'b', last_message: { text: 'x', at: at(9), direction: 'inbound' } }),
    w1: session({ id: 'w1', agent: null, state: 'waiting', started_at: at(5) }),
    w2: session({ id: 'w2', agent: null, state: 'waiting', started_at: at(3) }),
    other: session({ id: 'other', agent: { id: 'usr_9', name: 'Ben' } }),
    ended: session({ id: 'ended', state: 'ended' }),
  };
  it('shows mine, newest first', () => {
    expect(tabIds({ sessions, away: {}, user: agentUser }, 'mine')).toEqual(['b', 'a']);
  });
  it('shows who waits longest first', () => {
    expect(tabIds({ sessions, away: {}, user: agentUser }, 'waiting')).toEqual(['w2', 'w1']);
    const broken = {
      ...sessions,
      e1: session({ id: 'e1', agent: null, state: 'error', started_at: at(4) }),
    };
    expect(tabIds({ sessions: broken, away: {}, user: agentUser }, 'waiting')).toContain('e1');
  });
  it('leaves ended sessions out of all open', () => {
    expect(tabIds({ sessions, away: {}, user: agentUser }, 'open')).not.toContain('ended');
    expect(tabIds({ sessions, away: {}, user: agentUser }, 'open')).toHaveLength(5);
  });
  it('leaves out what went to somebody else', () => {
    const away = { other: true as const, w2: true as const };
    expect(tabIds({ sessions, away, user: agentUser }, 'waiting')).toEqual(['w1']);
    expect(tabIds({ sessions, away, user: agentUser }, 'open')).toEqual(['b', 'a', 'w1']);
  });
  it('shows what closes soon, the next one first, and orders any tab by it', () => {
    const now = Date.parse(at(0));
    const until = (hours: number) => new Date(now + hours * 3_600_000).toISOString();
    const windows = {
      late: session({ id: 'late', window_expires_at: until(20) }),
      soon: session({ id: 'soon', window_expires_at: until(3) }),
      next: session({ id: 'next', window_expires_at: until(1) }),
      closed: session({ id: 'closed', window_expires_at: until(-1) }),
      never: session({ id: 'never', window_expires_at: null }),
    };
    const data = { sessions: windows, away: {}, user: agentUser };
    expect(tabIds(data, 'closing', 'latest', now)).toEqual(['next', 'soon']);
    const ordered = tabIds(data, 'mine', 'closing', now);
    expect(ordered.slice(0, 3)).toEqual(['next', 'soon', 'late']);
    expect(ordered).toHaveLength(5);
  });
});

describe('matches', () => {
  it('finds by name, number in any writing, campaign and text', () => {
    for (const words of ['maria', '555 010', 'SPRING', 'hello']) {
      expect(matches(session(), words)).toBe(true);
    }
    expect(matches(session(), 'nobody')).toBe(false);
  });
});

describe('holdOrder', () => {
  it('keeps shown rows in place, drops gone ones and adds new ones at the end', () => {
    expect(holdOrder(['a', 'b', 'c'], ['new', 'c', 'a'])).toEqual(['a', 'c', 'new']);
  });
});
