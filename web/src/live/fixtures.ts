import type { Message, Presence, Session, User } from '@/api/types';

/** Sample entities for tests. */
export const agentUser: User = {
  id: 'usr_1',
  email: 'ada@example.com',
  name: 'Ada',
  role: 'agent',
  created_at: '2026-01-01T00:00:00.000Z',
  disabled_at: null,
};

export const presence: Presence = {
  status: 'available',
  capacity: 4,
  load: 1,
  updated_at: '2026-03-01T12:00:00.000Z',
};

export function session(overrides: Partial<Session> = {}): Session {
  return {
    id: 'ses_1',
    channel_id: 'chn_1',
    state: 'active',
    customer: {
      messaging_user_id: 'mu_1',
      name: 'Maria Lopez',
      phone: '+15550100123',
      username: null,
      contact_id: 'con_1',
      lead_id: null,
    },
    campaign: { id: 'cmp_1', name: 'Spring offer' },
    attribution: 'certain',
    queue_id: 'que_1',
    agent: { id: 'usr_1', name: 'Ada' },
    bot_active: false,
    opt_in: { state: 'granted', at: '2026-03-01T11:00:00.000Z' },
    window_expires_at: '2026-03-02T12:00:00.000Z',
    unread_count: 1,
    last_message: { text: 'Hello', at: '2026-03-01T12:00:00.000Z', direction: 'inbound' },
    started_at: '2026-03-01T11:00:00.000Z',
    ended_at: null,
    ended_by: null,
    case_id: null,
    gathered: [],
    origin: 'customer',
    free_entry_until: null,
    pending_count: 0,
    numbers: {
      customer_messages: 1,
      agent_messages: 0,
      bot_messages: 0,
      first_response: null,
      average_response: null,
      waits_since: null,
    },
    version: 1,
    ...overrides,
  };
}

export function message(id: string, overrides: Partial<Message> = {}): Message {
  return {
    id,
    session_id: 'ses_1',
    direction: 'inbound',
    author: { kind: 'customer', name: 'Maria Lopez' },
    kind: 'text',
    text: `Text of ${id}`,
    buttons: [],
    sections: [],
    media: null,
    template: null,
    details: null,
    reply_to: null,
    mentions: [],
    state: null,
    error: null,
    at: '2026-03-01T12:00:00.000Z',
    client_id: null,
    ...overrides,
  };
}
