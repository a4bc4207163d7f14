import { IconArrowUp, IconX } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { keys } from '@/api/query-keys';
import type { ContactAddress } from '@/api/types';
import { formatPhone } from '@/lib/phone';
import {
  Button,
  Card,
  EmptyState,
  Failure,
  IconButton,
  notify,
  SelectField,
  SkeletonRows,
  TextField,
} from '@/ui';
import { fetchAddresses, setAddresses } from './api';
import css from './grid.module.css';

/** Phone numbers, emails and keys beside the contact's own, in the order in which they are tried. */
export function AddressesCard({ contactId }: { contactId: string }) {
  const cache = useQueryClient();
  const [kind, setKind] = useState<ContactAddress['kind']>('phone');
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const query = useQuery({
    queryKey: keys.addresses(contactId),
    queryFn: ({ signal }) => fetchAddresses(contactId, signal),
  });
  const known = query.data?.data ?? [];
  // All of them are sent, so one change waits for the one before.
  const set = async (
    next: { kind: ContactAddress['kind']; address: string }[],
    done?: () => void,
  ) => {
    setBusy(true);
    try {
      cache.setQueryData(
        keys.addresses(contactId),
        await setAddresses(
          contactId,
          next.map((each) => ({ kind: each.kind, address: each.address })),
        ),
      );
      done?.();
    } catch (error) {
      notify.failure(error);
    }
    setBusy(false);
  };
  const add = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() === '' || !query.isSuccess || busy) return;
    const added = () => setText((typed) => (typed === text ? '' : typed));
    void set([...known, { kind, address: text.trim() }], added);
  };
  const up = (at: number) => {
    const next = [...known];
    const [moved] = next.splice(at, 1);
    if (moved !== undefined) next.splice(at - 1, 0, moved);
    void set(next);
  };
  return (
    <Card
      title="Further addresses"
      description="Campaigns text the first number here that opted in when nothing is recorded for the main one. An opt-out with any number counts for all."
    >
      {query.isPending && <SkeletonRows rows={2} height={20} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && known.length === 0 && <EmptyState title="None" />}
      <ol className={css.addresses}>
        {known.map((each, at) => (
          <li key={each.address}>
            <span>{each.kind === 'phone' ? formatPhone(each.address) : each.address}</span>
            {at > 0 && (
              <IconButton
                label={`Try ${each.address} earlier`}
                size={26}
                disabled={busy}
                onClick={() => up(at)}
              >
                <IconArrowUp size={15} />
              </IconButton>
            )}
            <IconButton
              label={`Remove ${each.address}`}
              size={26}
              disabled={busy}
              onClick={() => void set(known.filter((_, index) => index !== at))}
            >
              <IconX size={15} />
            </IconButton>
          </li>
        ))}
      </ol>
      <form className={css.addAddress} onSubmit={add}>
        <SelectField
          aria-label="Kind of address"
          value={kind}
          onChange={(event) => setKind(event.currentTarget.value as ContactAddress['kind'])}
          data={[
            { value: 'phone', label: 'Phone' },
            { value: 'email', label: 'Email' },
            { value: 'key', label: 'Key' },
          ]}
        />
        <TextField
          aria-label="Address"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          data-testid="address-text"
        />
        <Button
          type="submit"
          emphasis="secondary"
          // What is there already is sent along: without it, it would be removed.
          disabled={text.trim() === '' || !query.isSuccess || busy}
          data-testid="address-add"
        >
          Add
        </Button>
      </form>
    </Card>
  );
}
