// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { fireEvent, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { StrictMode } from 'react';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { clearDrafts, flushDrafts, readDraft } from '@/lib/drafts';
import * as live from '@/live';
import { AppTheme } from '@/ui';
import { Composer } from './Composer';

function tree(sessionId: string) {
  return (
    <StrictMode>
      <QueryClientProvider client={new QueryClient()}>
        <AppTheme>
          <Composer sessionId={sessionId} modes={['reply', 'note']} />
        </AppTheme>
      </QueryClientProvider>
    </StrictMode>
  );
}

const field = () => screen.getByTestId<HTMLTextAreaElement>('composer-input');

beforeEach(() => clearDrafts());

describe('Composer', () => {
  it('never shows a draft under another conversation', async () => {
    const user = userEvent.setup();
    const view = render(tree('ses_1'));
    await user.type(field(), 'For Maria only');
    // The same component instance is moved on, which is the case a missing key would break.
    view.rerender(tree('ses_2'));
    expect(field().value).toBe('');
    await user.type(field(), 'For James');
    view.rerender(tree('ses_1'));
    expect(field().value).toBe('For Maria only');
    view.rerender(tree('ses_2'));
    expect(field().value).toBe('For James');
    expect(readDraft('ses_1', 'reply')).toBe('For Maria only');
  });

  it('tells a screen reader which quick reply Enter would take', async () => {
    const replies = ['Hours', 'Address'].map((title) => ({ id: title, title, text: `${title}!` }));
    vi.stubGlobal('fetch', () => Promise.resolve(Response.json({ data: replies })));
    onTestFinished(() => void vi.unstubAllGlobals());
    const user = userEvent.setup();
    render(tree('ses_1'));
    await user.type(field(), '/');
    const list = await screen.findByRole('listbox', { name: 'Quick replies' });
    expect(field().getAttribute('aria-controls')).toBe(list.id);
    const active = () =>
      document.getElementById(field().getAttribute('aria-activedescendant') ?? '');
    expect(active()?.textContent).toBe('HoursHours!');
    await user.type(field(), '{ArrowDown}');
    expect(active()?.textContent).toBe('AddressAddress!');
    expect(active()?.getAttribute('aria-selected')).toBe('true');
    await user.type(field(), '{Enter}');
    expect(field().getAttribute('aria-activedescendant')).toBeNull();
    expect(readDraft('ses_1', 'reply')).toContain('Address!');
  });

  it('tells the customer every twenty seconds that a reply is being written, and never of a note', () => {
    const calls: string[] = [];
    vi.stubGlobal('fetch', (url: string) => {
      calls.push(url);
      return Promise.resolve(new Response(null, { status: 204 }));
    });
    const clock = vi.spyOn(Date, 'now').mockReturnValue(1_000_000);
    onTestFinished(() => {
      clock.mockRestore();
      vi.unstubAllGlobals();
    });
    const write = (value: string) => fireEvent.change(field(), { target: { value } });
    const told = () => calls.filter((url) => url === '/api/v1/sessions/ses_1/typing').length;
    render(tree('ses_1'));
    write('H');
    write('He');
    expect(told()).toBe(1);
    clock.mockReturnValue(1_020_000);
    write('');
    expect(told()).toBe(1);
    write('Hel');
    expect(told()).toBe(2);
    clock.mockReturnValue(1_040_000);
    fireEvent.click(screen.getByRole('button', { name: 'Note' }));
    write('A note');
    expect(told()).toBe(2);
  });

  it('keeps reply and note apart', async () => {
    const user = userEvent.setup();
    render(tree('ses_1'));
    await user.type(field(), 'A reply');
    await user.click(screen.getByRole('button', { name: 'Note' }));
    expect(field().value).toBe('');
    await user.type(field(), 'A note');
    expect(readDraft('ses_1', 'reply')).toBe('A reply');
    expect(readDraft('ses_1', 'note')).toBe('A note');
  });

  it('sends with Enter to the conversation on the screen and empties only its draft', async () => {
    const send = vi.spyOn(live, 'send').mockImplementation(() => undefined);
    const user = userEvent.setup();
    const view = render(tree('ses_1'));
    await user.type(field(), 'stays here');
    view.rerender(tree('ses_2'));
    await user.type(field(), 'one{Shift>}{Enter}{/Shift}two{Enter}');
    expect(send).toHaveBeenCalledExactlyOnceWith({
      sessionId: 'ses_2',
      content: { kind: 'text', text: 'one\ntwo' },
      text: 'one\ntwo',
    });
    expect(field().value).toBe('');
    expect(readDraft('ses_1', 'reply')).toBe('stays here');
  });

  it('does not send blanks or more than WhatsApp takes', async () => {
    const send = vi.spyOn(live, 'send').mockImplementation(() => undefined);
    const user = userEvent.setup();
    render(tree('ses_1'));
    await user.type(field(), '   {Enter}');
    await user.clear(field());
    await user.click(field());
    await user.paste('x'.repeat(4097));
    await user.keyboard('{Enter}');
    expect(send).not.toHaveBeenCalled();
    expect(screen.getByRole('alert').textContent).toMatch('1 characters too many');
  });

  it('keeps what was typed when something without a text is sent', async () => {
    vi.spyOn(live, 'send').mockImplementation(() => undefined);
    const user = userEvent.setup();
    render(tree('ses_1'));
    await user.type(field(), 'We are here');
    await user.click(screen.getByTestId('composer-more'));
    await user.click(await screen.findByTestId('more-card'));
    await user.type(await screen.findByTestId('extra-name'), 'Ada');
    await user.click(screen.getByTestId('extra-send'));
    expect(live.send).toHaveBeenCalledOnce();
    expect(readDraft('ses_1', 'reply')).toBe('We are here');
    await user.click(screen.getByTestId('composer-more'));
    await user.click(await screen.findByTestId('more-request_place'));
    expect((await screen.findByTestId<HTMLTextAreaElement>('extra-text')).value).toBe(
      'We are here',
    );
    await user.click(screen.getByTestId('extra-send'));
    expect(readDraft('ses_1', 'reply')).toBe('');
  });

  it('stores drafts for the next visit', async () => {
    const user = userEvent.setup();
    render(tree('ses_1'));
    await user.type(field(), 'later');
    flushDrafts();
    expect(localStorage.getItem('segue.drafts')).toContain('later');
  });
});
