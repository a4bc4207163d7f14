import { describe, expect, it } from 'vitest';
import { ApiError, errorWords } from './errors';

describe('ApiError', () => {
  it('says what to do when the server gives only a code', () => {
    const error = new ApiError(409, { code: 'window_closed' });
    expect(error.title).toBe('The 24-hour window is closed');
    expect(error.message).toMatch(/template/);
  });

  it('prefers the reason of the server', () => {
    const error = new ApiError(409, {
      code: 'campaign_state',
      detail: 'The campaign is already running',
    });
    expect(error.message).toBe('The campaign is already running.');
  });

  it('falls back to the meaning of the status for a code it does not know', () => {
    const error = new ApiError(422, {
      code: 'brand_new',
      title: 'Unprocessable',
      detail: 'It is odd',
    });
    expect(error.title).toBe('Some fields need another look');
    expect(error.message).toBe('It is odd.');
    expect(new ApiError(418, {}).message.length).toBeGreaterThan(10);
  });

  it.each([
    [0, 'network', true],
    [401, 'unauthenticated', false],
    [403, 'forbidden', false],
    [409, 'conflict', false],
    [429, 'rate_limited', true],
    [500, 'server_error', false],
    [503, 'server_error', true],
  ])('knows for HTTP %i the code %s and whether a repeat is safe', (status, code, retryable) => {
    const error = new ApiError(status, {});
    expect(error.code).toBe(code);
    expect(error.retryable).toBe(retryable);
    expect(error.message.length).toBeGreaterThan(10);
  });

  it('finds the problem of one field', () => {
    const error = new ApiError(422, { errors: [{ field: 'phone', message: 'Not a number' }] });
    expect(error.fieldMessage('phone')).toBe('Not a number');
    expect(error.fieldMessage('email')).toBeUndefined();
  });
});

describe('errorWords', () => {
  it('never shows the inside of a defect', () => {
    const words = errorWords(new TypeError('x is undefined'));
    expect(JSON.stringify(words)).not.toContain('undefined');
    expect(words.code).toBeNull();
  });
});
