// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { message } from './fixtures';
import { clearOutbox, resumeOutbox, retry, send } from './outbox';
import { resetLive, useLive } from './store';

interface Sent {
  key: string;
  body: { client_id: string; text: string; seen_seq: number };
}

let sent: Sent[] = [];

function answers(...list: (() => Response)[]) {
  vi.stubGlobal(
    'fetch',
    (_url: string, init: { headers: Record<string, string>; body: string }) => {
      sent.push({
        key: init.headers['Idempotency-Key'] ?? '',
        body: JSON.parse(init.body) as Sent['body'],
      });
      const next = list.shift();
      return next === undefined
        ? Promise.reject(new TypeError('network'))
        : Promise.resolve(next());
    },
  );
}

const ok = (id: string, clientId?: string) => () =>
  Response.json(message(id, { direction: 'outbound', state: 'sent', client_id: clientId ?? null }));
const refused = (code: string) => () => new Response(JSON.stringify({ code }), { status: 409 });

const items = () => useLive.getState().threads.ses_1?.items ?? [];
const sendText = (text: string) =>
  send({ sessionId: 'ses_1', content: { kind: 'text', text }, text });

beforeEach(() => {
  clearOutbox();
  sent = [];
  sessionStorage.clear();
  resetLive();
  vi.spyOn(Math, 'random').mockReturnValue(0);
});

afterEach(() => vi.unstubAllGlobals());

const signIn = (id: string) =>
  useLive.setState({
    user: { id, name: id } as NonNullable<ReturnType<typeof useLive.getState>['user']>,
  });

describe('resumeOutbox', () => {
  it('shows after a reload what was refused, and sends it only when its writer says so', async () => {
    signIn('usr_ann');
    answers(refused('newer_reply'));
    sendText('Hello');
    await vi.waitFor(() => expect(items()).toMatchObject([{ state: 'failed' }]));
    const stored = sessionStorage.getItem('segue.outbox') ?? '';
    clearOutbox();
    resetLive();
    sessionStorage.setItem('segue.outbox', stored);
    signIn('usr_ann');
    resumeOutbox();
    expect(items()).toMatchObject([{ text: 'Hello', state: 'failed' }]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sent).toHaveLength(1);
    answers(ok('msg_1'));
    retry(items()[0]!);
    await vi.waitFor(() => expect(items()).toMatchObject([{ id: 'msg_1' }]));
  });

  it('never sends what another user wrote, and forgets it', async () => {
    signIn('usr_ann');
    answers(() => new Response(null, { status: 503 }), ok('msg_1'));
    sendText('from Ann');
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    signIn('usr_bob');
    resumeOutbox();
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect(sent).toHaveLength(1);
    expect(sessionStorage.getItem('segue.outbox')).toBe('[]');
  });

  it('sends nothing while nobody is known to be here, and goes on when its writer is back', async () => {
    signIn('usr_ann');
    answers(() => new Response(null, { status: 503 }), ok('msg_1'));
    sendText('from Ann');
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    resetLive();
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect(sent).toHaveLength(1);
    signIn('usr_ann');
    resumeOutbox();
    await vi.waitFor(() => expect(items()).toMatchObject([{ id: 'msg_1' }]));
    expect(sent).toHaveLength(2);
  });
});

describe('send', () => {
  it('shows the message at once and replaces it by the answer', async () => {
    answers(ok('msg_1'));
    sendText('Hello');
    expect(items()).toMatchObject([{ text: 'Hello', state: 'pending' }]);
    await vi.waitFor(() => expect(items()).toMatchObject([{ id: 'msg_1', state: 'sent' }]));
    expect(sent[0]?.key).toBe(sent[0]?.body.client_id);
    expect(sessionStorage.getItem('segue.outbox')).toBe('[]');
  });

  it('repeats the very same request after a cut, so that nothing is sent twice', async () => {
    answers(() => new Response(null, { status: 503 }), ok('msg_1'));
    sendText('Hello');
    await vi.waitFor(() => expect(items()).toMatchObject([{ id: 'msg_1' }]), { timeout: 2000 });
    expect(sent).toHaveLength(2);
    expect(sent[0]).toEqual(sent[1]);
  });

  it('keeps the order of one conversation while an earlier message is not through', async () => {
    answers(() => new Response(null, { status: 503 }), ok('msg_1'), ok('msg_2'));
    sendText('first');
    sendText('second');
    await vi.waitFor(() => expect(sent).toHaveLength(3), { timeout: 2000 });
    expect(sent.map((each) => each.body.text)).toEqual(['first', 'first', 'second']);
  });

  it('says in words why the server refused, and asks with a new key when tried again', async () => {
    answers(refused('newer_reply'), ok('msg_1'));
    sendText('Hello');
    await vi.waitFor(() =>
      expect(items()).toMatchObject([
        { state: 'failed', error: { code: 'newer_reply', reason: 'A colleague has just replied' } },
      ]),
    );
    const failed = items()[0];
    if (failed === undefined) throw new Error('no message');
    useLive.setState({ seq: 77 });
    retry(failed);
    await vi.waitFor(() => expect(items()).toMatchObject([{ id: 'msg_1' }]));
    expect(sent[1]?.key).not.toBe(sent[0]?.key);
    expect(sent[1]?.body.seen_seq).toBe(77);
  });
});
