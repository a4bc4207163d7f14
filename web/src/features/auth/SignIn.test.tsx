// @vitest-environment happy-dom
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AppTheme } from '@/ui';
import { SignIn } from './SignIn';

afterEach(() => vi.unstubAllGlobals());

async function attempt(response: Response) {
  const fetch = vi.fn((_url: string, _init: { body: string }) => Promise.resolve(response));
  vi.stubGlobal('fetch', fetch);
  const onSignedIn = vi.fn();
  render(
    <AppTheme>
      <SignIn onSignedIn={onSignedIn} />
    </AppTheme>,
  );
  await userEvent.type(screen.getByTestId('login-email'), ' ada@example.com');
  await userEvent.type(screen.getByTestId('login-password'), 'secret words ');
  await userEvent.click(screen.getByTestId('login-submit'));
  return { onSignedIn, body: JSON.parse(fetch.mock.calls[0]?.[1].body ?? '{}') as unknown };
}

describe('SignIn', () => {
  it('sends what was typed and enters', async () => {
    const { onSignedIn, body } = await attempt(Response.json({ user: {} }));
    // A password keeps its blanks.
    expect(body).toEqual({ email: 'ada@example.com', password: 'secret words ' });
    expect(onSignedIn).toHaveBeenCalledOnce();
  });

  it('says why it did not work and lets one try again', async () => {
    const refusal = new Response(JSON.stringify({ code: 'wrong_credentials' }), { status: 401 });
    const { onSignedIn } = await attempt(refusal);
    expect(screen.getByRole('alert').textContent).toContain('Email or password is wrong');
    expect(screen.getByTestId('login-submit').hasAttribute('disabled')).toBe(false);
    // What was typed is selected, so that the next word takes its place.
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId('login-password')));
    expect(onSignedIn).not.toHaveBeenCalled();
  });
});
