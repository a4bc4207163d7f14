// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, cleanup, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '@/api/errors';
import { clearDrafts, readDraft, writeDraft } from '@/lib/drafts';
import { session } from '@/live/fixtures';
import { AppTheme, notify } from '@/ui';
import { KeepReply } from './KeepReply';
import { PendingReplies } from './PendingReplies';

const api = vi.hoisted(() => ({
  fetchPending: vi.fn(),
  keepReply: vi.fn(),
  changePending: vi.fn(),
  discardPending: vi.fn(),
  sendPending: vi.fn(),
}));
vi.mock('./api', () => api);
const live = vi.hoisted(() => ({ send: vi.fn() }));
vi.mock('@/live', () => live);

const reply = {
  id: 'prp_1',
  session_id: 'ses_1',
  kind: 'text',
  text: 'Your order has arrived',
  author: { id: 'usr_1', name: 'Ada' },
  reason: 'window_closed',
  created_at: '2026-03-02T12:00:00.000Z',
  expires_at: '2026-03-09T12:00:00.000Z',
  version: 3,
};

function show(element: React.ReactElement) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const within = (shown: React.ReactElement) => (
    <QueryClientProvider client={client}>
      <AppTheme>{shown}</AppTheme>
    </QueryClientProvider>
  );
  const { rerender } = render(within(element));
  return (next: React.ReactElement) => rerender(within(next));
}

describe('replies that wait', () => {
  beforeEach(() => {
    vi.resetAllMocks();
    api.fetchPending.mockResolvedValue({ data: [reply], next_cursor: null });
  });

  const closed = session({ pending_count: 1, window_expires_at: '2026-03-02T12:00:00.000Z' });

  it('are shown, changed in their version, and discarded', async () => {
    show(<PendingReplies session={closed} mayAct />);
    await screen.findByText('Your order has arrived');
    expect(screen.queryByTestId('pending-send')).toBeNull();
    await userEvent.click(screen.getByTestId('pending-edit'));
    const box = screen.getByLabelText('Text of the waiting reply');
    await userEvent.clear(box);
    await userEvent.type(box, 'It is here');
    await userEvent.click(screen.getByTestId('pending-save'));
    expect(api.changePending).toHaveBeenCalledWith('prp_1', 'It is here', 3);
    await userEvent.click(await screen.findByTestId('pending-discard'));
    expect(api.discardPending).toHaveBeenCalledWith('prp_1');
  });

  it('can be sent while the window is open, and only by who has the conversation', async () => {
    const open = { ...closed, window_expires_at: new Date(Date.now() + 3_600_000).toISOString() };
    show(<PendingReplies session={open} mayAct />);
    await userEvent.click(await screen.findByTestId('pending-send'));
    expect(api.sendPending).toHaveBeenCalledWith('prp_1');
  });

  it('are only read by others', async () => {
    show(<PendingReplies session={closed} mayAct={false} />);
    await screen.findByText('Your order has arrived');
    expect(screen.queryByTestId('pending-discard')).toBeNull();
  });
});

describe('a waiting reply that is being changed', () => {
  beforeEach(() => {
    vi.resetAllMocks();
    clearDrafts();
    api.fetchPending.mockResolvedValue({ data: [reply], next_cursor: null });
  });

  const waits = session({ pending_count: 1, window_expires_at: '2026-03-02T12:00:00.000Z' });
  const sent = { ...waits, version: waits.version + 1, pending_count: 0 };

  const change = async () => {
    const put = show(<PendingReplies session={waits} mayAct />);
    await userEvent.click(await screen.findByTestId('pending-edit'));
    await userEvent.type(screen.getByTestId('pending-text'), ', and a gift');
    return put;
  };

  it('goes on in the composer when the customer has answered', async () => {
    const told = vi.spyOn(notify, 'info');
    const put = await change();
    put(<PendingReplies session={sent} mayAct />);
    expect(readDraft('ses_1', 'reply')).toBe('Your order has arrived, and a gift');
    expect(told).toHaveBeenCalledOnce();
    expect(screen.queryByTestId('pending-left')).toBeNull();
  });

  it('is shown beside another reply that is being written, and lost in no case', async () => {
    writeDraft('ses_1', 'reply', 'One moment');
    const put = await change();
    put(<PendingReplies session={sent} mayAct />);
    expect(readDraft('ses_1', 'reply')).toBe('One moment');
    expect(screen.getByTestId('pending-left').textContent).toContain(', and a gift');
    await userEvent.click(screen.getByTestId('pending-append'));
    expect(readDraft('ses_1', 'reply')).toBe('One moment\n\nYour order has arrived, and a gift');
    expect(screen.queryByTestId('pending-left')).toBeNull();
  });

  it('goes on in the composer when Save is refused because it is gone', async () => {
    await change();
    api.changePending.mockRejectedValue(new ApiError(404, { code: 'not_found' }));
    api.fetchPending.mockResolvedValue({ data: [], next_cursor: null });
    await userEvent.click(screen.getByTestId('pending-save'));
    await waitFor(() =>
      expect(readDraft('ses_1', 'reply')).toBe('Your order has arrived, and a gift'),
    );
  });

  it('stays beside the composer when that becomes empty, until it is taken over', async () => {
    writeDraft('ses_1', 'reply', 'One moment');
    const put = await change();
    const more = { ...reply, id: 'prp_2', text: 'Anything else?' };
    api.fetchPending.mockResolvedValue({ data: [more], next_cursor: null });
    put(<PendingReplies session={{ ...waits, version: waits.version + 1 }} mayAct />);
    expect((await screen.findByTestId('pending-left')).querySelector('[role="status"]')).not.toBe(
      null,
    );
    // The agent sends what they were writing.
    act(() => writeDraft('ses_1', 'reply', ''));
    expect(readDraft('ses_1', 'reply')).toBe('');
    screen.getByTestId('pending-left');
    put(<PendingReplies session={{ ...waits, version: waits.version + 2 }} mayAct />);
    await waitFor(() => expect(api.fetchPending).toHaveBeenCalledTimes(3));
    await screen.findByText('Anything else?');
    expect(readDraft('ses_1', 'reply')).toBe('');
    await userEvent.click(screen.getByTestId('pending-append'));
    expect(readDraft('ses_1', 'reply')).toBe('Your order has arrived, and a gift');
  });

  const newer = { ...reply, text: 'Your order is in the shop', version: 4 };

  it('is not saved over what a colleague has made of it meanwhile', async () => {
    await change();
    cleanup();
    api.fetchPending.mockResolvedValue({ data: [newer], next_cursor: null });
    show(<PendingReplies session={waits} mayAct />);
    expect((await screen.findByTestId('pending-now')).textContent).toBe(newer.text);
    api.changePending.mockRejectedValueOnce(new ApiError(409, { code: 'pending_changed' }));
    await userEvent.click(screen.getByTestId('pending-save'));
    expect(api.changePending).toHaveBeenLastCalledWith(
      'prp_1',
      'Your order has arrived, and a gift',
      3,
    );
    await userEvent.click(screen.getByTestId('pending-mine'));
    expect(screen.queryByTestId('pending-now')).toBeNull();
    await userEvent.click(screen.getByTestId('pending-save'));
    expect(api.changePending).toHaveBeenLastCalledWith(
      'prp_1',
      'Your order has arrived, and a gift',
      4,
    );
  });

  it('is not saved by who does not have the conversation any more', async () => {
    const put = await change();
    put(<PendingReplies session={waits} mayAct={false} />);
    screen.getByTestId('pending-text');
    expect(screen.queryByTestId('pending-save')).toBeNull();
  });

  it('is done when it was saved and the answer was lost', async () => {
    await change();
    api.changePending.mockRejectedValue(new Error('The connection was lost.'));
    const saved = { ...reply, text: 'Your order has arrived, and a gift', version: 4 };
    api.fetchPending.mockResolvedValue({ data: [saved], next_cursor: null });
    await userEvent.click(screen.getByTestId('pending-save'));
    await waitFor(() => expect(screen.queryByTestId('pending-text')).toBeNull());
    expect(readDraft('ses_1', 'pending.prp_1')).toBe('');
  });

  it('leaves nothing behind when it is saved, cancelled or as it was', async () => {
    const put = await change();
    await userEvent.click(screen.getByText('Cancel'));
    await userEvent.click(screen.getByTestId('pending-edit'));
    put(<PendingReplies session={sent} mayAct />);
    expect(readDraft('ses_1', 'reply')).toBe('');
    expect(screen.queryByTestId('pending-left')).toBeNull();
  });
});

describe('a reply written while the window is closed', () => {
  beforeEach(() => {
    vi.resetAllMocks();
    writeDraft('ses_1', 'reply', 'See you soon');
  });

  it('is kept, from the draft that was there', async () => {
    api.keepReply.mockResolvedValue(reply);
    show(<KeepReply sessionId="ses_1" />);
    await userEvent.click(screen.getByTestId('keep-send'));
    expect(api.keepReply).toHaveBeenCalledWith('ses_1', 'See you soon', expect.any(String));
    expect(readDraft('ses_1', 'reply')).toBe('');
  });

  it('goes out at once when the customer wrote in between', async () => {
    api.keepReply.mockRejectedValue(new ApiError(409, { code: 'window_open' }));
    show(<KeepReply sessionId="ses_1" />);
    await userEvent.click(screen.getByTestId('keep-send'));
    expect(live.send).toHaveBeenCalledWith(
      expect.objectContaining({ sessionId: 'ses_1', text: 'See you soon' }),
    );
    expect(readDraft('ses_1', 'reply')).toBe('');
  });
});
