import { afterEach, describe, expect, it, vi } from 'vitest';
import { api, apiUrl, setSignedOutHandler } from './client';

function answer(status: number, body: unknown) {
  const spy = vi.fn((_url: string, _init: RequestInit) =>
    Promise.resolve(new Response(body === null ? null : JSON.stringify(body), { status })),
  );
  vi.stubGlobal('fetch', spy);
  return spy;
}

function headersOf(spy: ReturnType<typeof answer>): Record<string, string> {
  return spy.mock.calls[0]?.[1].headers as Record<string, string>;
}

afterEach(() => {
  vi.unstubAllGlobals();
  setSignedOutHandler(() => undefined);
});

describe('api', () => {
  it('marks every change as ours and every POST as repeatable', async () => {
    const spy = answer(200, {});
    await api.post('/logout');
    expect(headersOf(spy)).toMatchObject({ 'X-Segue-Csrf': '1' });
    expect(headersOf(spy)['Idempotency-Key']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('sends a given idempotency key as it is', async () => {
    const spy = answer(200, {});
    await api.post('/sessions/s/messages', { text: 'x' }, { idempotencyKey: 'k1' });
    expect(headersOf(spy)['Idempotency-Key']).toBe('k1');
  });

  it('sends neither with a read', async () => {
    const spy = answer(200, {});
    await api.get('/me');
    expect(headersOf(spy)).toEqual({ Accept: 'application/json' });
  });

  it('turns a problem document into an error with words', async () => {
    answer(409, { code: 'offer_gone', title: 'Gone', status: 409 });
    await expect(api.post('/offers/o/accept')).rejects.toMatchObject({
      status: 409,
      code: 'offer_gone',
      title: 'This offer is gone',
    });
  });

  it('calls a lost connection by its name', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
    await expect(api.get('/me')).rejects.toMatchObject({ status: 0, code: 'network' });
  });

  it('survives an answer that is no JSON', async () => {
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('<html>', { status: 502 })));
    await expect(api.get('/me')).rejects.toMatchObject({ status: 502, retryable: true });
  });

  it('reports the end of the sign-in, but not a wrong password', async () => {
    const signedOut = vi.fn();
    setSignedOutHandler(signedOut);
    answer(401, {});
    await expect(api.post('/login', {})).rejects.toThrow();
    expect(signedOut).not.toHaveBeenCalled();
    await expect(api.get('/me')).rejects.toThrow();
    expect(signedOut).toHaveBeenCalledOnce();
  });
});

describe('apiUrl', () => {
  it('leaves empty parameters out and escapes the others', () => {
    expect(apiUrl('/contacts', { search: 'a&b', list_id: '', cursor: null, limit: 50 })).toBe(
      '/api/v1/contacts?search=a%26b&limit=50',
    );
  });
});
