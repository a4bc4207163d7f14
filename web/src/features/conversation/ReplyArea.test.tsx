// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { api as server } from '@/api/client';
import { clearDrafts, readDraft, writeDraft } from '@/lib/drafts';
import * as live from '@/live';
import { session } from '@/live/fixtures';
import { AppTheme } from '@/ui';
import * as api from './api';
import { PendingReplies } from './PendingReplies';
import { ReplyArea } from './ReplyArea';

vi.mock('./api', async (original) => ({
  ...(await original<typeof api>()),
  fetchSessionTemplates: vi.fn(),
  fetchPending: vi.fn(),
}));

const template = {
  name: 'order_ready',
  category: 'UTILITY',
  language: 'en',
  languages: [
    {
      template_id: 'tpl_1',
      language: 'en',
      header: '',
      body: 'Hello {{1}}, it is ready.',
      footer: '',
      buttons: [],
      cards: [],
      offer: null,
      slots: [{ key: 'body.1', kind: 'text', label: 'Name', value: '' }],
      values: {},
      header_media_id: null,
    },
  ],
};

const closed = new Date(Date.now() - 3_600_000).toISOString();
const open = new Date(Date.now() + 23 * 3_600_000).toISOString();

function area(expiresAt: string, before: ReactNode = null) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const element = (at: string, pending: ReactNode) => (
    <QueryClientProvider client={client}>
      <AppTheme>
        {pending}
        <ReplyArea
          sessionId="ses_1"
          owner="me"
          expiresAt={at}
          agentName="Ada"
          bot="silent"
          templates="closed"
          onTakeOver={vi.fn()}
          onTemplates={vi.fn()}
        />
      </AppTheme>
    </QueryClientProvider>
  );
  const { rerender } = render(element(expiresAt, before));
  return (at: string, pending: ReactNode = null) => rerender(element(at, pending));
}

describe('while the window is closed', () => {
  beforeEach(() => {
    clearDrafts();
    vi.mocked(api.fetchSessionTemplates).mockResolvedValue({
      data: [template],
      next_cursor: null,
    } as never);
  });

  it('a note begun before is there and can be sent; nothing else is written freely', async () => {
    const send = vi.spyOn(live, 'send').mockImplementation(() => undefined);
    writeDraft('ses_1', 'note', 'Asks for a refund');
    area(closed);
    const field = await screen.findByLabelText<HTMLTextAreaElement>('Note for your team');
    expect(field.value).toBe('Asks for a refund');
    await userEvent.type(field, '{Enter}');
    expect(send).toHaveBeenCalledExactlyOnceWith({
      sessionId: 'ses_1',
      content: { kind: 'note', text: 'Asks for a refund' },
      text: 'Asks for a refund',
    });
    expect(screen.queryByLabelText('Your reply')).toBeNull();
  });
});

describe('at a computer whose clock is half an hour ahead', () => {
  const answered = async (at: number) => {
    const headers = { Date: new Date(at).toUTCString() };
    vi.stubGlobal('fetch', () => Promise.resolve(Response.json({}, { headers })));
    await server.get('/me');
    vi.unstubAllGlobals();
  };

  it('the window is open until the server’s clock says that it is not', async () => {
    vi.mocked(api.fetchSessionTemplates).mockResolvedValue({ data: [], next_cursor: null });
    const there = Date.now() - 30 * 60_000;
    await answered(there);
    try {
      const put = area(new Date(there + 10 * 60_000).toISOString());
      expect(screen.getByLabelText('Your reply')).toBeTruthy();
      expect(screen.queryByTestId('template-picker')).toBeNull();
      put(new Date(there - 60_000).toISOString());
      expect(screen.queryByLabelText('Your reply')).toBeNull();
    } finally {
      await answered(Date.now());
    }
  });
});

describe('when the customer answers and the window opens', () => {
  beforeEach(() => {
    clearDrafts();
    vi.mocked(api.fetchSessionTemplates).mockResolvedValue({
      data: [template],
      next_cursor: null,
    } as never);
  });

  it('what is filled in stays, until it is sent or closed', async () => {
    const opens = area(closed);
    await userEvent.click(await screen.findByTestId('template-option'));
    const before = screen.getByTestId('template-send');
    opens(open);
    expect(screen.getByTestId('template-send')).toBe(before);
    expect(screen.queryByTestId('keep-input')).toBeNull();
    await userEvent.click(screen.getByLabelText('Close templates'));
    expect(screen.queryByTestId('template-picker')).toBeNull();
    expect(screen.getByTestId('composer-input')).toBeTruthy();
  });

  it('the reply that was being written is in the composer, and so is the cursor', async () => {
    const opens = area(closed);
    await userEvent.type(await screen.findByTestId('keep-input'), 'Your order');
    opens(open);
    const field = screen.getByTestId('composer-input');
    expect((field as HTMLTextAreaElement).value).toBe('Your order');
    expect(document.activeElement).toBe(field);
    expect(readDraft('ses_1', 'reply')).toBe('Your order');
  });

  it('a note that is being written goes on as a note, with its cursor', async () => {
    const opens = area(closed);
    await userEvent.type(await screen.findByLabelText('Note for your team'), 'Call');
    opens(open);
    const field = screen.getByLabelText<HTMLTextAreaElement>('Note for your team');
    expect(field.value).toBe('Call');
    expect(document.activeElement).toBe(field);
    expect(readDraft('ses_1', 'reply')).toBe('');
  });

  it('a reply that is being written beside a chosen template keeps its place and cursor', async () => {
    const opens = area(closed);
    await userEvent.click(await screen.findByTestId('template-option'));
    await userEvent.type(screen.getByTestId('keep-input'), 'Your or');
    opens(open);
    expect(screen.getByTestId('template-send')).toBeTruthy();
    expect(document.activeElement).toBe(screen.getByTestId('composer-input'));
  });

  const waits = session({ pending_count: 1, window_expires_at: closed });
  const sent = { ...waits, version: waits.version + 1, pending_count: 0, window_expires_at: open };
  const waiting = {
    id: 'prp_1',
    session_id: 'ses_1',
    kind: 'text',
    text: 'Your order has arrived',
    author: null,
    reason: 'window_closed',
    created_at: '2026-03-02T12:00:00.000Z',
    expires_at: '2026-03-09T12:00:00.000Z',
    version: 3,
  };
  const changing = async () => {
    vi.mocked(api.fetchPending).mockResolvedValue({ data: [waiting], next_cursor: null } as never);
    const opens = area(closed, <PendingReplies session={waits} mayAct />);
    await userEvent.click(await screen.findByTestId('pending-edit'));
    await userEvent.type(screen.getByTestId('pending-text'), ', and');
    return () => opens(open, <PendingReplies session={sent} mayAct />);
  };

  it('the waiting reply that was being changed goes on in the composer, with its cursor', async () => {
    const answers = await changing();
    answers();
    const field = screen.getByTestId<HTMLTextAreaElement>('composer-input');
    expect(document.activeElement).toBe(field);
    await userEvent.keyboard(' a gift');
    expect(field.value).toBe('Your order has arrived, and a gift');
  });

  it('the rest of what was typed into a reply that is shown beside is no command', async () => {
    writeDraft('ses_1', 'reply', 'One moment');
    const answers = await changing();
    answers();
    const left = screen.getByTestId('pending-left');
    expect(document.activeElement).toBe(left);
    const pressed = vi.fn();
    window.addEventListener('keydown', pressed);
    await userEvent.keyboard('e');
    window.removeEventListener('keydown', pressed);
    expect(pressed).not.toHaveBeenCalled();
    await userEvent.click(screen.getByTestId('pending-drop'));
  });
});
