// @vitest-environment happy-dom
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { session } from '@/live/fixtures';
import { AppTheme } from '@/ui';
import { EndDialog } from './EndDialog';

afterEach(() => vi.unstubAllGlobals());

function open(overrides: Parameters<typeof session>[0], answers: (path: string) => Response) {
  const calls: { path: string; body: unknown }[] = [];
  vi.stubGlobal('fetch', (url: string, init: { body: string }) => {
    const path = url.replace('/api/v1/sessions/ses_1', '');
    calls.push({ path, body: JSON.parse(init.body) });
    return Promise.resolve(answers(path));
  });
  const onEnded = vi.fn();
  render(
    <AppTheme>
      <EndDialog session={session(overrides)} onClose={() => undefined} onEnded={onEnded} />
    </AppTheme>,
  );
  return { calls, onEnded };
}

const accept = () => Response.json(session({ state: 'ended' }));

describe('EndDialog', () => {
  it('closes an open case and the session with the outcome', async () => {
    const { calls, onEnded } = open({ case_id: 'cas_1' }, accept);
    await userEvent.click(screen.getByTestId('end-outcome-won'));
    await userEvent.click(screen.getByTestId('end-confirm'));
    expect(calls).toEqual([{ path: '/end', body: { close_case: true, outcome: 'won' } }]);
    expect(onEnded).toHaveBeenCalledOnce();
  });

  it('records a conversation without a case as one when asked, named by what it was about', async () => {
    const gathered = [{ name: 'topic', label: 'Topic', value: 'Order' }];
    const { calls } = open({ gathered }, accept);
    await userEvent.click(screen.getByTestId('end-close-case'));
    await userEvent.click(screen.getByTestId('end-confirm'));
    expect(calls).toEqual([
      { path: '/cases', body: { subject: 'Order' } },
      { path: '/end', body: { close_case: true, outcome: 'none' } },
    ]);
  });

  it('makes no case by itself, because the funnel counts them', async () => {
    const { calls } = open({}, accept);
    await userEvent.click(screen.getByTestId('end-confirm'));
    expect(calls).toEqual([{ path: '/end', body: { close_case: false, outcome: 'none' } }]);
  });

  it('does not end the session when the case could not be recorded', async () => {
    const refuse = (path: string) =>
      path === '/cases' ? new Response('{"code":"case_exists"}', { status: 409 }) : accept();
    const { calls, onEnded } = open({}, refuse);
    await userEvent.click(screen.getByTestId('end-close-case'));
    await userEvent.click(screen.getByTestId('end-confirm'));
    expect(calls.map((call) => call.path)).toEqual(['/cases']);
    expect(onEnded).not.toHaveBeenCalled();
    expect(screen.getByTestId('end-confirm').hasAttribute('disabled')).toBe(false);
  });
});
