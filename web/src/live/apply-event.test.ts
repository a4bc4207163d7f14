import { describe, expect, it } from 'vitest';
import type { LiveEvent } from '@/api/events';
import type { Bootstrap, Message } from '@/api/types';
import { applyEvent } from './apply-event';
import { EMPTY, EMPTY_THREAD, fromBootstrap, type LiveData } from './data';
import { agentUser, message, presence, session } from './fixtures';
import { addMessage, applyNewestPage, applyOlderPage, setLocalState } from './messages';

function event<T extends LiveEvent['type']>(
  seq: number,
  type: T,
  data: Extract<LiveEvent, { type: T }>['data'],
): LiveEvent {
  return {
    seq,
    type,
    at: '2026-03-01T12:00:00.000Z',
    entity: 'x',
    entity_id: 'x',
    data,
  } as LiveEvent;
}

function start(overrides: Partial<LiveData> = {}): LiveData {
  return {
    ...EMPTY,
    seq: 10,
    user: agentUser,
    presence,
    threads: { ses_1: EMPTY_THREAD },
    ...overrides,
  };
}

function states(data: LiveData, sessionId = 'ses_1') {
  return data.threads[sessionId]?.items.map((each) => [each.id, each.state]);
}

describe('applyEvent', () => {
  it('applies an event once: a repeat changes nothing', () => {
    const created = event(11, 'message.created', { message: message('msg_1'), session: session() });
    const once = applyEvent(start(), created);
    expect(once.seq).toBe(11);
    expect(once.threads.ses_1?.items).toHaveLength(1);
    expect(applyEvent(once, created)).toBe(once);
  });

  it('shows the file of a message as soon as it has come, and keeps how far the message is', () => {
    const file = { id: 'med_1', mime: 'image/png', file_name: null, url: '/m', size: null };
    const coming = message('msg_1', { kind: 'image', media: { ...file, presence: 'pending' } });
    const come = { ...coming, media: { ...file, size: 9, presence: 'stored' as const } };
    const before = applyEvent(
      start(),
      event(11, 'message.created', { message: coming, session: session() }),
    );
    const after = applyEvent(
      before,
      event(12, 'message.updated', { message: come, session: session() }),
    );
    expect(after.threads.ses_1?.items.map((each) => each.media)).toEqual([come.media]);
  });

  it('ignores what the snapshot already contains', () => {
    const data = start();
    expect(applyEvent(data, event(10, 'session.created', { session: session() }))).toBe(data);
  });

  it('advances the sequence over an event type it does not know', () => {
    const unknown = {
      ...event(11, 'campaign.progress', { campaign_id: 'c' }),
      type: 'future.thing',
    };
    const next = applyEvent(start(), unknown as unknown as LiveEvent);
    expect(next.seq).toBe(11);
    expect(next.sessions).toEqual({});
  });

  it('keeps the newer version of a session when an older one arrives late', () => {
    const data = start({ sessions: { ses_1: session({ version: 7, unread_count: 0 }) } });
    const late = applyEvent(
      data,
      event(11, 'session.updated', { session: session({ version: 6 }) }),
    );
    expect(late.sessions.ses_1?.version).toBe(7);
    const newer = applyEvent(
      late,
      event(12, 'session.updated', { session: session({ version: 8 }) }),
    );
    expect(newer.sessions.ses_1?.version).toBe(8);
  });

  it('never moves a tick back', () => {
    let data = addMessage(start(), message('msg_1', { direction: 'outbound', state: 'delivered' }));
    const status = (seq: number, state: 'sent' | 'read') =>
      event(seq, 'message.status', {
        session_id: 'ses_1',
        message_id: 'msg_1',
        state,
        error: null,
      });
    data = applyEvent(data, status(11, 'sent'));
    expect(states(data)).toEqual([['msg_1', 'delivered']]);
    data = applyEvent(data, status(12, 'read'));
    expect(states(data)).toEqual([['msg_1', 'read']]);
  });

  it('shows a failure after a message was sent, with its reason', () => {
    const error = { code: '131047', reason: 'Window closed', advice: 'Send a template' };
    const data = applyEvent(
      addMessage(start(), message('msg_1', { direction: 'outbound', state: 'sent' })),
      event(11, 'message.status', {
        session_id: 'ses_1',
        message_id: 'msg_1',
        state: 'failed',
        error,
      }),
    );
    expect(data.threads.ses_1?.items[0]).toMatchObject({ state: 'failed', error });
  });

  it('shows what a customer changed in the message itself', () => {
    const changed = message('msg_1', { text: 'At two', details: { edited: true } });
    const data = applyEvent(
      addMessage(start(), message('msg_1', { text: 'At one' })),
      event(11, 'message.updated', { message: changed, session: session() }),
    );
    expect(data.threads.ses_1?.items.map((each) => each.text)).toEqual(['At two']);
  });

  it('puts the confirmed message in the place of the optimistic one', () => {
    const local = message('local:k1', { direction: 'outbound', state: 'pending', client_id: 'k1' });
    const confirmed = message('msg_9', { direction: 'outbound', state: 'sent', client_id: 'k1' });
    const data = applyEvent(
      addMessage(start(), local),
      event(11, 'message.created', { message: confirmed, session: session() }),
    );
    expect(states(data)).toEqual([['msg_9', 'sent']]);
  });

  it('lets go of a conversation that went elsewhere, and fetches anew what it lacks when it is back', () => {
    const held = { ...addMessage(start(), message('msg_1')), sessions: { ses_1: session() } };
    const loaded = applyNewestPage(held, 'ses_1', { data: [], next_cursor: null });
    const gone = applyEvent(
      loaded,
      event(11, 'session.updated', {
        session: session({ version: 2, agent: { id: 'usr_2', name: 'Ben' }, last_message: null }),
        taken_away: true,
      }),
    );
    expect(gone.away).toEqual({ ses_1: true });
    expect(gone.sessions.ses_1?.agent?.name).toBe('Ben');
    expect(gone.threads.ses_1?.stale).toBe(false);
    const back = applyEvent(
      gone,
      event(12, 'session.updated', { session: session({ version: 3 }) }),
    );
    expect(back.away).toEqual({});
    expect(back.threads.ses_1?.stale).toBe(true);
  });

  it('says nothing of a conversation it never had', () => {
    const stranger = event(11, 'session.updated', { session: session(), taken_away: true });
    expect(applyEvent(start(), stranger).sessions).toEqual({});
  });

  it('keeps a state that came before its message', () => {
    const status = event(11, 'message.status', {
      session_id: 'ses_1',
      message_id: 'msg_1',
      state: 'read',
    });
    const page = { data: [message('msg_1', { state: 'sent' })], next_cursor: null };
    const newest = applyNewestPage(applyEvent(start(), status), 'ses_1', page);
    expect(states(newest)).toEqual([['msg_1', 'read']]);
    expect(newest.threads.ses_1?.early).toEqual({});
    const older = applyOlderPage(applyEvent(start(), status), 'ses_1', page);
    expect(states(older)).toEqual([['msg_1', 'read']]);
  });

  it('adds and removes offers', () => {
    const offer = {
      id: 'off_1',
      session_id: 'ses_1',
      queue_id: 'que_1',
      session: session({ state: 'waiting' }),
      offered_at: '2026-03-01T12:00:00.000Z',
      expires_at: '2026-03-01T12:00:30.000Z',
    };
    const offered = applyEvent(start(), event(11, 'offer.created', { offer }));
    expect(offered.offers.off_1).toEqual(offer);
    expect(offered.sessions.ses_1?.state).toBe('waiting');
    const ended = { offer_id: 'off_1', session_id: 'ses_1', reason: 'expired' };
    expect(applyEvent(offered, event(12, 'offer.ended', ended)).offers).toEqual({});
  });

  it('follows my own presence and that of others apart', () => {
    const busy = { ...presence, status: 'busy' as const };
    const other = applyEvent(
      start(),
      event(11, 'presence.updated', { user_id: 'usr_2', name: 'Ben', presence: busy }),
    );
    expect(other.presence?.status).toBe('available');
    expect(other.agents).toHaveLength(1);
    const mine = applyEvent(
      other,
      event(12, 'presence.updated', { user_id: 'usr_1', name: 'Ada', presence: busy }),
    );
    expect(mine.presence?.status).toBe('busy');
    expect(mine.agents.map((agent) => agent.name)).toEqual(['Ada', 'Ben']);
  });
});

describe('pages and events together', () => {
  const page = (...data: Message[]) => ({ data, next_cursor: 'older' });

  it('keeps a message whose event overtook the fetched page', () => {
    const overtaken = addMessage(start(), message('msg_2', { at: '2026-03-01T12:00:02.000Z' }));
    const data = applyNewestPage(overtaken, 'ses_1', page(message('msg_1')));
    expect(states(data)?.map(([id]) => id)).toEqual(['msg_1', 'msg_2']);
    expect(data.threads.ses_1).toMatchObject({ loaded: true, older: 'older' });
  });

  it('puts an older page in front', () => {
    const newest = applyNewestPage(start(), 'ses_1', page(message('msg_2')));
    const older = message('msg_1', { at: '2026-03-01T11:00:00.000Z' });
    const data = applyOlderPage(newest, 'ses_1', { data: [older], next_cursor: null });
    expect(states(data)?.map(([id]) => id)).toEqual(['msg_1', 'msg_2']);
    expect(data.threads.ses_1?.older).toBeNull();
  });

  it('starts a conversation over after a gap but keeps what was not sent yet', () => {
    let data = applyNewestPage(start(), 'ses_1', page(message('msg_1')));
    const local = message('local:k1', { direction: 'outbound', state: 'pending', client_id: 'k1' });
    data = addMessage(data, local);
    const snapshot = {
      seq: 90,
      user: agentUser,
      workspace: null,
      presence,
      queues: [],
      agents: [],
      sessions: [session({ version: 9 })],
      offers: [],
      unread_mentions: 0,
    } as unknown as Bootstrap;
    data = fromBootstrap(snapshot, data);
    expect(data.threads.ses_1?.stale).toBe(true);
    data = applyNewestPage(data, 'ses_1', page(message('msg_8')));
    expect(states(data)?.map(([id]) => id)).toEqual(['msg_8', 'local:k1']);
    expect(data.seq).toBe(90);
  });

  it('equals a fresh load whatever part came by event', () => {
    const all = ['a', 'b', 'c', 'd'].map((id, index) =>
      message(`msg_${id}`, { at: `2026-03-01T12:00:0${index}.000Z` }),
    );
    const fresh = applyNewestPage(start({ seq: 14 }), 'ses_1', page(...all));
    for (let cut = 0; cut <= all.length; cut += 1) {
      let data = applyNewestPage(start(), 'ses_1', page(...all.slice(0, cut)));
      all.forEach((each, index) => {
        data = applyEvent(
          data,
          event(11 + index, 'message.created', { message: each, session: session() }),
        );
      });
      expect(data.threads).toEqual(fresh.threads);
    }
  });

  it('lets a failed optimistic message go back to pending for another try', () => {
    const local = message('local:k1', { direction: 'outbound', state: 'failed', client_id: 'k1' });
    const data = setLocalState(addMessage(start(), local), 'ses_1', 'k1', 'pending', null);
    expect(states(data)).toEqual([['local:k1', 'pending']]);
  });
});

describe('a page after a gap', () => {
  const snapshot = {
    seq: 40,
    sight: 'a',
    sessions: [session()],
    offers: [],
    agents: [],
    queues: [],
  };
  const page = { data: [message('msg_3', { state: 'sent' })], next_cursor: 'older' };
  const after = () => {
    const held = applyNewestPage(
      addMessage(start(), message('msg_3', { state: 'sent' })),
      'ses_1',
      { data: [message('msg_1')], next_cursor: null },
    );
    return fromBootstrap(snapshot as unknown as Bootstrap, held);
  };

  it('does not lose what the stream told while it was fetched', () => {
    const told = applyEvent(
      after(),
      event(41, 'message.created', {
        message: message('msg_4', { at: '2026-03-01T12:05:00.000Z' }),
        session: session({ version: 2 }),
      }),
    );
    const read = applyEvent(
      told,
      event(42, 'message.status', { session_id: 'ses_1', message_id: 'msg_3', state: 'read' }),
    );
    const data = applyNewestPage(read, 'ses_1', page);
    expect(states(data)).toEqual([
      ['msg_3', 'read'],
      ['msg_4', null],
    ]);
    expect(data.threads.ses_1).toMatchObject({ older: 'older', stale: false, arrived: [] });
  });

  it('gives up what is older than the page, because something may be missing in between', () => {
    expect(states(applyNewestPage(after(), 'ses_1', page))).toEqual([['msg_3', 'sent']]);
  });
});
