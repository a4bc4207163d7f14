import { useState, type FormEvent } from 'react';
import type { CustomerPanel, Session } from '@/api/types';
import { changeLive, putSession, useLive } from '@/live';
import { Button, Dialog, DialogActions, Notice, Row, Stack, TextArea } from '@/ui';
import { blockCustomer, unblockCustomer } from './api';
import { PanelSection } from './PanelSection';
import { useAct } from './use-act';
import { BLOCK } from './words';

/** Blocking a customer who must not write any more, and taking that back. */
export function BlockSection({ session, panel }: { session: Session; panel: CustomerPanel }) {
  const { busy, act } = useAct(session.id);
  const me = useLive((state) => state.user);
  const steers = me?.role === 'admin' || me?.role === 'supervisor';
  const mayBlock = steers || (me !== null && session.agent?.id === me.id);
  const { block } = panel;
  if (block === null && !mayBlock) return null;
  if (block?.state === 'unblock_failed') {
    return (
      <PanelSection title="Blocked at WhatsApp" testId="panel-block">
        <Notice tone="bad" title={BLOCK[block.state]}>
          {block.failure ?? block.reason}
        </Notice>
        <Row>
          {steers && (
            <Button
              emphasis="secondary"
              size="xs"
              disabled={busy}
              onClick={() => void act(() => unblockCustomer(block.messaging_user_id))}
              data-testid="unblock-customer"
            >
              Try again
            </Button>
          )}
          {mayBlock && <BlockButton sessionId={session.id} label="Block" />}
        </Row>
      </PanelSection>
    );
  }
  if (block !== null) {
    return (
      <PanelSection title="Blocked" testId="panel-block">
        <Notice tone={block.state === 'failed' ? 'bad' : 'warn'} title={BLOCK[block.state]}>
          {block.failure ?? block.reason}
        </Notice>
        {steers && block.state !== 'unblocking' && (
          <Row>
            <Button
              emphasis="secondary"
              size="xs"
              disabled={busy}
              onClick={() => void act(() => unblockCustomer(block.messaging_user_id))}
              data-testid="unblock-customer"
            >
              Unblock
            </Button>
          </Row>
        )}
      </PanelSection>
    );
  }
  return (
    <PanelSection title="Unwanted messages">
      <BlockButton sessionId={session.id} label="Block customer" />
    </PanelSection>
  );
}

/** Asks why, and blocks. */
function BlockButton({ sessionId, label }: { sessionId: string; label: string }) {
  const { busy, act } = useAct(sessionId);
  const [asking, setAsking] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const reason = String(new FormData(event.currentTarget).get('reason') ?? '').trim();
    await act(async () => {
      const ended = await blockCustomer(sessionId, reason);
      changeLive((data) => putSession(data, ended));
      setAsking(false);
    }, 'Customer blocked');
  };
  return (
    <>
      <Button
        emphasis="secondary"
        size="xs"
        onClick={() => setAsking(true)}
        data-testid="block-customer"
      >
        {label}
      </Button>
      {asking && (
        <Dialog title="Block this customer?" onClose={() => setAsking(false)} size="sm">
          <form onSubmit={(event) => void submit(event)}>
            <Stack gap={12}>
              <p>
                The conversation ends. What they write no longer reaches anybody, and nothing can be
                sent to them, until a supervisor unblocks them.
              </p>
              <TextArea
                label="Why"
                description="Colleagues will read it."
                name="reason"
                autosize={false}
                rows={3}
                maxLength={300}
                required
                data-autofocus
                data-testid="block-reason"
              />
            </Stack>
            <DialogActions>
              <Button emphasis="secondary" onClick={() => setAsking(false)}>
                Cancel
              </Button>
              <Button type="submit" emphasis="danger" loading={busy} data-testid="block-confirm">
                Block
              </Button>
            </DialogActions>
          </form>
        </Dialog>
      )}
    </>
  );
}
