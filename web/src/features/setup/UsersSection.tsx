import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import type { Role, User } from '@/api/types';
import {
  Avatar,
  Button,
  Card,
  CheckField,
  DataTable,
  notify,
  PasswordField,
  SelectField,
  Tag,
  TextField,
} from '@/ui';
import { changeUser, createUser } from './api';
import { FormDialog, text } from './FormDialog';
import css from './setup.module.css';
import { useRefresh } from './use-refresh';

export const ROLES: { value: Role; label: string }[] = [
  { value: 'agent', label: 'Agent: talks with customers' },
  { value: 'marketer', label: 'Marketer: campaigns and contacts' },
  { value: 'supervisor', label: 'Supervisor: sees and moves all conversations' },
  { value: 'admin', label: 'Admin: everything' },
];

export const ROLE_NAMES: Record<Role, string> = {
  agent: 'Agent',
  marketer: 'Marketer',
  supervisor: 'Supervisor',
  admin: 'Admin',
};

export function UsersSection({ users }: { users: User[] }) {
  const [dialog, setDialog] = useState<User | 'new' | null>(null);
  return (
    <Card
      padding="none"
      title="Users"
      aside={
        <Button
          leftSection={<IconPlus size={16} />}
          onClick={() => setDialog('new')}
          data-testid="user-new"
        >
          Add user
        </Button>
      }
    >
      <DataTable
        label="Users"
        rows={users}
        rowKey={(user) => user.id}
        onOpen={setDialog}
        columns={[
          {
            key: 'name',
            title: 'Name',
            render: (user) => (
              <div className={css.person}>
                <Avatar name={user.name} size={28} />
                <div className={css.cell}>
                  <strong>{user.name}</strong>
                  <span>{user.email}</span>
                </div>
              </div>
            ),
          },
          { key: 'role', title: 'Role', render: (user) => ROLE_NAMES[user.role] },
          {
            key: 'state',
            title: 'State',
            render: (user) =>
              user.disabled_at === null ? (
                <Tag tone="good" dot="dot">
                  Active
                </Tag>
              ) : (
                <Tag dot="dot">Disabled</Tag>
              ),
          },
        ]}
      />
      {dialog !== null && (
        <UserDialog user={dialog === 'new' ? null : dialog} onClose={() => setDialog(null)} />
      )}
    </Card>
  );
}

function UserDialog({ user, onClose }: { user: User | null; onClose: () => void }) {
  const refresh = useRefresh();
  const save = async (form: FormData) => {
    const name = text(form, 'name');
    const role = text(form, 'role') as Role;
    const password = String(form.get('password') ?? '');
    if (user === null) {
      await createUser({ name, email: text(form, 'email'), role, password });
    } else {
      await changeUser(user.id, {
        name,
        role,
        disabled: form.get('disabled') === 'on',
        ...(password === '' ? {} : { password }),
      });
    }
    await refresh();
    notify.done('User saved');
  };
  return (
    <FormDialog
      title={user === null ? 'Add user' : `Change ${user.name}`}
      saveLabel="Save"
      onSave={save}
      onClose={onClose}
      testId="user-save"
    >
      <TextField
        label="Name"
        name="name"
        defaultValue={user?.name ?? ''}
        required
        withAsterisk={false}
        data-autofocus
      />
      {user === null && (
        <TextField label="Email" name="email" type="email" required withAsterisk={false} />
      )}
      <SelectField label="Role" name="role" data={ROLES} defaultValue={user?.role ?? 'agent'} />
      <PasswordField
        label={user === null ? 'First password' : 'New password'}
        description={
          user === null ? 'At least 12 characters.' : 'Leave empty to keep the present one.'
        }
        name="password"
        autoComplete="new-password"
        minLength={12}
        required={user === null}
        withAsterisk={false}
      />
      {user !== null && (
        <CheckField
          label="Disabled"
          description="Cannot sign in; everything this person did stays."
          name="disabled"
          defaultChecked={user.disabled_at !== null}
        />
      )}
    </FormDialog>
  );
}
