import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { OtherAddress } from '@/api/identity-types';
import type { CustomerPanel, Session } from '@/api/types';
import { formatPhone } from '@/lib/phone';
import { formatDateTime } from '@/lib/time';
import { Button, ConfirmDialog } from '@/ui';
import { mergeCustomers, partCustomers } from './api';
import css from './customer.module.css';
import { PanelSection } from './PanelSection';
import { useAct } from './use-act';

const nameOf = (address: OtherAddress) =>
  address.name ?? address.username ?? formatPhone(address.phone) ?? 'WhatsApp customer';

/** The same person under other addresses: merged into this one, or linked to the same contact. */
export function AddressSection({ session, panel }: { session: Session; panel: CustomerPanel }) {
  const { busy, act, attempt } = useAct(session.id);
  const [merging, setMerging] = useState<OtherAddress | null>(null);
  const { other_addresses: others } = panel;
  const merges = panel.customer_merges.filter((merge) => merge.unmerged_at === null);
  if (others.length === 0 && merges.length === 0) return null;
  return (
    <PanelSection title="Other addresses" testId="panel-addresses">
      {others.map((other) => (
        <div className={css.item} key={other.messaging_user_id} data-testid="other-address">
          <div>
            <strong>
              {other.session_id === null ? (
                nameOf(other)
              ) : (
                <Link to="/inbox/$sessionId" params={{ sessionId: other.session_id }}>
                  {nameOf(other)}
                </Link>
              )}
            </strong>
            <span>
              {formatPhone(other.phone)}
              {other.channel_id !== session.channel_id && ' · on another number of yours'}
            </span>
          </div>
          {other.channel_id === session.channel_id && (
            <Button
              emphasis="secondary"
              size="xs"
              disabled={busy}
              onClick={() => setMerging(other)}
              data-testid="merge-customer"
            >
              Merge
            </Button>
          )}
        </div>
      ))}
      {merges.map((merge) => (
        <div className={css.item} key={merge.id} data-testid="customer-merge">
          <div>
            <strong>{merge.merged_name ?? 'Another address'}</strong>
            <span>
              {merge.actor === 'system' ? 'One person, says WhatsApp' : 'Merged'} ·{' '}
              {formatDateTime(merge.merged_at)}
            </span>
          </div>
          {merge.can_part && (
            <Button
              emphasis="secondary"
              size="xs"
              disabled={busy}
              onClick={() =>
                void act(() => partCustomers(session.id, merge.id), 'They are two customers again')
              }
              data-testid="part-customers"
            >
              Part again
            </Button>
          )}
        </div>
      ))}
      {merging !== null && (
        <ConfirmDialog
          title="Merge into one customer?"
          confirmLabel="Merge"
          onClose={() => setMerging(null)}
          onConfirm={() => attempt(() => mergeCustomers(session.id, merging.messaging_user_id))}
          testId="merge-dialog"
        >
          {nameOf(merging)} and {session.customer.name} become one customer with one conversation.
          Answers go to the address they used last. You can part them again.
        </ConfirmDialog>
      )}
    </PanelSection>
  );
}
