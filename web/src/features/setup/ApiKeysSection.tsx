import { IconPlus } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { ApiKey, Role } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import {
  Button,
  Card,
  ConfirmDialog,
  DataTable,
  Dialog,
  DialogActions,
  EmptyState,
  Failure,
  Notice,
  notify,
  SelectField,
  SkeletonRows,
  Tag,
  TextField,
} from '@/ui';
import { createApiKey, deleteApiKey, fetchApiKeys } from './api';
import { FormDialog, text } from './FormDialog';
import css from './setup.module.css';
import { ROLE_NAMES, ROLES } from './UsersSection';

export function ApiKeysSection() {
  const cache = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<ApiKey | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const query = useQuery({ queryKey: keys.apiKeys, queryFn: ({ signal }) => fetchApiKeys(signal) });
  const refresh = () => cache.invalidateQueries({ queryKey: keys.apiKeys });
  const rows = query.data?.data ?? [];
  return (
    <Card
      padding="none"
      title="API keys"
      description="For programs that use Segue. A key can do what its role can do."
      aside={
        <Button
          leftSection={<IconPlus size={16} />}
          onClick={() => setAdding(true)}
          data-testid="api-key-new"
        >
          New key
        </Button>
      }
    >
      {query.isPending && <SkeletonRows rows={3} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && rows.length === 0 && (
        <EmptyState title="No key yet">Make one for each program.</EmptyState>
      )}
      {rows.length > 0 && (
        <DataTable
          label="API keys"
          rows={rows}
          rowKey={(row) => row.id}
          columns={[
            { key: 'name', title: 'Name', render: (row) => <strong>{row.name}</strong> },
            { key: 'role', title: 'Role', render: (row) => ROLE_NAMES[row.role] },
            {
              key: 'created',
              title: 'Made',
              priority: 'wide',
              render: (row) => formatDateTime(row.created_at),
            },
            {
              key: 'used',
              title: 'Last used',
              priority: 'wide',
              render: (row) => formatDateTime(row.last_used_at),
            },
            {
              key: 'remove',
              title: 'Action',
              align: 'end',
              render: (row) =>
                row.revoked_at !== null ? (
                  <Tag>Revoked</Tag>
                ) : (
                  <Button emphasis="quiet" size="xs" onClick={() => setRemoving(row)}>
                    Revoke
                  </Button>
                ),
            },
          ]}
        />
      )}
      {adding && (
        <FormDialog
          title="New API key"
          saveLabel="Make key"
          testId="api-key-save"
          onClose={() => setAdding(false)}
          onSave={async (form) => {
            const made = await createApiKey({
              name: text(form, 'name'),
              role: text(form, 'role') as Role,
            });
            setSecret(made.secret);
            await refresh();
          }}
        >
          <TextField
            label="Name"
            description="Which program uses it."
            name="name"
            required
            withAsterisk={false}
            data-autofocus
          />
          <SelectField label="Role" name="role" data={ROLES} />
        </FormDialog>
      )}
      {secret !== null && (
        <Dialog title="Your new key" closeOnEscape={false} onClose={() => setSecret(null)}>
          <Notice tone="warn">Copy it now. It is not shown again.</Notice>
          <code className={css.secret} data-testid="api-key-secret">
            {secret}
          </code>
          <DialogActions>
            <Button
              onClick={() => {
                navigator.clipboard
                  .writeText(secret)
                  .then(() => notify.done('Copied'), notify.failure);
              }}
            >
              Copy
            </Button>
          </DialogActions>
        </Dialog>
      )}
      {removing !== null && (
        <ConfirmDialog
          title={`Revoke ${removing.name}?`}
          confirmLabel="Revoke key"
          emphasis="danger"
          onClose={() => setRemoving(null)}
          onConfirm={async () => {
            await deleteApiKey(removing.id);
            await refresh();
          }}
        >
          Programs that use this key are refused from now on. This cannot be undone.
        </ConfirmDialog>
      )}
    </Card>
  );
}
