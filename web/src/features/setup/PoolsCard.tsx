import { useQuery, useQueryClient } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { SenderDetail, SenderPool } from '@/api/sender-types';
import type { Channel } from '@/api/types';
import { counted } from '@/lib/counted';
import { formatPhone } from '@/lib/phone';
import { accountWords } from '@/lib/sender-name';
import {
  Button,
  Card,
  CheckField,
  ConfirmDialog,
  DataTable,
  EmptyState,
  Failure,
  notify,
  SkeletonRows,
  TextField,
} from '@/ui';
import { FormDialog, text } from './FormDialog';
import {
  changeSenderPool,
  createSenderPool,
  deleteSenderPool,
  fetchSenderPools,
} from './senders-api';
import { SENDER_KINDS } from './sender-words';
import css from './setup.module.css';
import { useMayManage } from './use-may-manage';

/** Senders that share the texts; each person keeps the sender they were first texted from. */
export function PoolsCard({ senders, channels }: { senders: SenderDetail[]; channels: Channel[] }) {
  const mayManage = useMayManage();
  const [open, setOpen] = useState<SenderPool | 'new' | null>(null);
  const query = useQuery({
    queryKey: keys.senderPools,
    queryFn: ({ signal }) => fetchSenderPools(signal),
  });
  const pools = query.data?.data ?? [];
  const address = (id: string) => {
    const sender = senders.find((each) => each.id === id);
    return sender === undefined
      ? '–'
      : formatPhone(sender.address) + accountWords(sender, senders, channels);
  };
  return (
    <Card
      padding="none"
      title="Pools"
      description="Several senders share the texts of a campaign. Each person keeps the sender they were first texted from, and a STOP to one counts for all of the pool."
      aside={
        mayManage && (
          <Button
            leftSection={<IconPlus size={16} />}
            onClick={() => setOpen('new')}
            disabled={senders.length === 0}
            data-testid="pool-new"
          >
            New pool
          </Button>
        )
      }
    >
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <SkeletonRows rows={2} />}
      {query.isSuccess && pools.length === 0 && (
        <EmptyState title="No pool yet">
          With several numbers a large campaign goes out faster, and each country gets a sender that
          may text it.
        </EmptyState>
      )}
      {pools.length > 0 && (
        <DataTable
          label="Pools"
          rows={pools}
          rowKey={(pool) => pool.id}
          rowTestId="pool"
          {...(mayManage ? { onOpen: setOpen } : {})}
          columns={[
            { key: 'name', title: 'Pool', render: (pool) => <strong>{pool.name}</strong> },
            {
              key: 'senders',
              title: 'Senders',
              render: (pool) => pool.sender_ids.map(address).join(', '),
            },
            {
              key: 'numbers',
              title: 'People who keep a sender',
              priority: 'wide',
              render: (pool) => pool.numbers.toLocaleString(),
            },
          ]}
        />
      )}
      {open !== null && (
        <PoolDialog
          pool={open === 'new' ? null : open}
          senders={senders}
          channels={channels}
          onClose={() => setOpen(null)}
        />
      )}
    </Card>
  );
}

interface PoolDialogProps {
  pool: SenderPool | null;
  senders: SenderDetail[];
  channels: Channel[];
  onClose: () => void;
}

function PoolDialog({ pool, senders, channels, onClose }: PoolDialogProps) {
  const cache = useQueryClient();
  const refresh = () => cache.invalidateQueries({ queryKey: keys.senderPools });
  const [deleting, setDeleting] = useState(false);
  return (
    <>
      <FormDialog
        title={pool?.name ?? 'New pool'}
        saveLabel={pool === null ? 'Make pool' : 'Save'}
        testId="pool-save"
        onClose={onClose}
        onSave={async (form) => {
          const input = {
            name: text(form, 'name'),
            sender_ids: form.getAll('sender_ids').map(String),
          };
          await (pool === null ? createSenderPool(input) : changeSenderPool(pool.id, input));
          await refresh();
          notify.done('Pool saved');
        }}
      >
        <TextField
          label="Name"
          name="name"
          defaultValue={pool?.name ?? ''}
          required
          withAsterisk={false}
          maxLength={100}
          data-autofocus
        />
        <fieldset className={css.members}>
          <legend>Senders</legend>
          {senders.map((each) => (
            <CheckField
              key={each.id}
              name="sender_ids"
              value={each.id}
              defaultChecked={pool?.sender_ids.includes(each.id) ?? false}
              label={`${formatPhone(each.address)}${accountWords(each, senders, channels)}, ${SENDER_KINDS[each.kind]}`}
            />
          ))}
        </fieldset>
        {pool !== null && (
          <div>
            <Button
              emphasis="secondary"
              onClick={() => setDeleting(true)}
              data-testid="pool-delete"
            >
              Delete pool
            </Button>
          </div>
        )}
      </FormDialog>
      {pool !== null && deleting && (
        <ConfirmDialog
          title={`Delete the pool ${pool.name}?`}
          confirmLabel="Delete pool"
          emphasis="danger"
          testId="confirm-pool-delete"
          onClose={() => setDeleting(false)}
          onConfirm={async () => {
            await deleteSenderPool(pool.id);
            await refresh();
            notify.done('Pool deleted');
            onClose();
          }}
        >
          {pool.numbers === 0
            ? 'Its senders stay, and nobody keeps one of them yet.'
            : `Its senders stay. ${counted(pool.numbers, 'person keeps', 'people keep')} the sender they were first texted from; that is forgotten, and the next text may come from another one.`}
        </ConfirmDialog>
      )}
    </>
  );
}
