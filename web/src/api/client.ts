import { ApiError, NETWORK_ERROR, type ProblemDocument } from './errors';

export type Query = Record<string, string | number | boolean | null | undefined>;

export interface RequestOptions {
  query?: Query;
  body?: unknown;
  form?: FormData;
  /** Given for a POST that is repeated on purpose, so that the server does the work once. */
  idempotencyKey?: string;
  /** Whose doing it is, when that may be another than the user whom this tab shows by now. */
  userId?: string;
  signal?: AbortSignal;
}

let signedInAs: string | null = null;

/**
 * Names the user whom this tab shows. The server then refuses what the tab sends while the browser
 * is signed in as somebody else, which another tab may have done.
 */
export function setSignedInAs(userId: string | null): void {
  signedInAs = userId;
}

/** Header that names the user of this tab, where there is one. */
export function userHeader(): Record<string, string> {
  return signedInAs === null ? {} : { 'X-Segue-User': signedInAs };
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

let onSignedOut: () => void = () => undefined;

/** Registers what happens when the server no longer knows this browser (HTTP 401). */
export function setSignedOutHandler(handler: () => void): void {
  onSignedOut = handler;
}

export function reportSignedOut(): void {
  onSignedOut();
}

/** So far the clocks may be apart before it counts: the server says whole seconds, some time ago. */
const APART_MS = 1_500;

/** How far the clock of this computer is ahead of the server's, as the last answers said. */
let aheadMs = 0;

/** When the server last answered (epoch ms of this computer's clock). */
let answeredAt = 0;

export const lastAnswerAt = (): number => answeredAt;

function noteClock(response: Response): void {
  answeredAt = Date.now();
  const said = Date.parse(response.headers.get('Date') ?? '');
  if (Number.isNaN(said)) return;
  const ahead = Date.now() - (said + 500);
  if (Math.abs(ahead - aheadMs) > APART_MS) aheadMs = Math.abs(ahead) > APART_MS ? ahead : 0;
}

/** A moment of this computer's clock as the server's clock shows it: the times it gives are compared with this. */
export const serverTime = (local: number): number => local - aheadMs;

export function newKey(): string {
  return crypto.randomUUID();
}

export function apiUrl(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return `/api/v1${path}${text === '' ? '' : `?${text}`}`;
}

async function request<T>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json', ...userHeader() };
  if (options.userId) headers['X-Segue-User'] = options.userId;
  if (method !== 'GET') headers['X-Segue-Csrf'] = '1';
  if (method === 'POST') headers['Idempotency-Key'] = options.idempotencyKey ?? newKey();
  let body: BodyInit | undefined;
  if (options.form !== undefined) {
    body = options.form;
  } else if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json';
    body = JSON.stringify(options.body);
  }
  let response: Response;
  try {
    response = await fetch(apiUrl(path, options.query), {
      method,
      headers,
      credentials: 'same-origin',
      ...(body === undefined ? {} : { body }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, NETWORK_ERROR);
  }
  noteClock(response);
  if (response.ok) return (await readJson(response)) as T;
  const problem = ((await readJson(response)) ?? {}) as ProblemDocument;
  // A wrong password is an answer to the form, not the end of a signed-in session.
  if (response.status === 401 && path !== '/login') onSignedOut();
  throw new ApiError(response.status, problem);
}

async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export const api = {
  get: <T>(path: string, query?: Query, signal?: AbortSignal) =>
    request<T>('GET', path, { ...(query ? { query } : {}), ...(signal ? { signal } : {}) }),
  post: <T>(path: string, body?: unknown, options: Omit<RequestOptions, 'body'> = {}) =>
    request<T>('POST', path, { ...options, body: body ?? {} }),
  upload: <T>(path: string, form: FormData, options: Omit<RequestOptions, 'form'> = {}) =>
    request<T>('POST', path, { ...options, form }),
  put: <T>(path: string, body: unknown) => request<T>('PUT', path, { body }),
  patch: <T>(path: string, body: unknown) => request<T>('PATCH', path, { body }),
  delete: <T>(path: string) => request<T>('DELETE', path),
};
