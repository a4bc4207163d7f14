import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import type { Queue, User } from '@/api/types';
import { formatDuration } from '@/lib/time';
import { Button, Card, CheckField, DataTable, EmptyState, notify, TextField } from '@/ui';
import { changeQueue, createQueue } from './api';
import { FormDialog, text } from './FormDialog';
import css from './setup.module.css';
import { useMayManage } from './use-may-manage';
import { useRefresh } from './use-refresh';

const DEFAULT_OFFER_SECONDS = 30;

export function QueuesSection({ queues, users }: { queues: Queue[]; users: User[] }) {
  const mayManage = useMayManage();
  const [dialog, setDialog] = useState<Queue | 'new' | null>(null);
  return (
    <Card
      padding="none"
      title="Queues"
      description="Waiting conversations are offered to the members of their queue, one agent at a time."
      aside={
        mayManage && (
          <Button
            leftSection={<IconPlus size={16} />}
            onClick={() => setDialog('new')}
            data-testid="queue-new"
          >
            Add queue
          </Button>
        )
      }
    >
      {queues.length === 0 ? (
        <EmptyState title="No queue yet">The bot hands conversations over to a queue.</EmptyState>
      ) : (
        <DataTable
          label="Queues"
          rows={queues}
          rowKey={(queue) => queue.id}
          {...(mayManage ? { onOpen: setDialog } : {})}
          columns={[
            {
              key: 'name',
              title: 'Queue',
              render: (queue) => (
                <div className={css.cell}>
                  <strong>{queue.name}</strong>
                  <code>{queue.slug}</code>
                </div>
              ),
            },
            {
              key: 'members',
              title: 'Members',
              render: (queue) =>
                queue.members.length === 0
                  ? 'Nobody'
                  : queue.members.map((member) => member.name).join(', '),
            },
            { key: 'waiting', title: 'Waiting', align: 'end', render: (queue) => queue.waiting },
            {
              key: 'longest',
              title: 'Longest wait',
              align: 'end',
              priority: 'wide',
              render: (queue) =>
                queue.waiting === 0 ? '–' : formatDuration(queue.longest_wait_seconds ?? 0),
            },
            {
              key: 'offer',
              title: 'Offer lasts',
              align: 'end',
              priority: 'wide',
              render: (queue) => formatDuration(queue.offer_seconds),
            },
          ]}
        />
      )}
      {dialog !== null && (
        <QueueDialog
          queue={dialog === 'new' ? null : dialog}
          users={users}
          onClose={() => setDialog(null)}
        />
      )}
    </Card>
  );
}

function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}

function QueueDialog({
  queue,
  users,
  onClose,
}: {
  queue: Queue | null;
  users: User[];
  onClose: () => void;
}) {
  const refresh = useRefresh();
  const possible = users.filter((user) => user.disabled_at === null && user.role !== 'marketer');
  const save = async (form: FormData) => {
    const name = text(form, 'name');
    const offer_seconds = Number(text(form, 'offer_seconds')) || DEFAULT_OFFER_SECONDS;
    const member_ids = form.getAll('member').map(String);
    if (queue === null) {
      const slug = text(form, 'slug') || slugOf(name);
      await createQueue({ name, slug, offer_seconds, member_ids });
    } else {
      await changeQueue(queue.id, { name, offer_seconds, member_ids });
    }
    await refresh();
    notify.done('Queue saved');
  };
  return (
    <FormDialog
      title={queue === null ? 'Add queue' : `Change ${queue.name}`}
      saveLabel="Save"
      onSave={save}
      onClose={onClose}
      testId="queue-save"
    >
      <TextField
        label="Name"
        name="name"
        defaultValue={queue?.name ?? ''}
        required
        withAsterisk={false}
        data-autofocus
      />
      {queue === null && (
        <TextField
          label="Short name"
          description="Used in flows; made from the name if empty."
          name="slug"
        />
      )}
      <TextField
        label="Seconds an offer lasts"
        description="Then it goes to the next free agent."
        name="offer_seconds"
        inputMode="numeric"
        defaultValue={String(queue?.offer_seconds ?? DEFAULT_OFFER_SECONDS)}
      />
      <fieldset className={css.members}>
        <legend>Members</legend>
        {possible.map((user) => (
          <CheckField
            key={user.id}
            label={user.name}
            name="member"
            value={user.id}
            defaultChecked={queue?.members.some((member) => member.user_id === user.id) ?? false}
          />
        ))}
      </fieldset>
    </FormDialog>
  );
}
