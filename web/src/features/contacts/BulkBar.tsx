import { useQueryClient } from '@tanstack/react-query';
import { useRef, useState, type FormEvent } from 'react';
import { keys } from '@/api/query-keys';
import type { Contact, ContactList } from '@/api/types';
import { counted } from '@/lib/counted';
import { useLive } from '@/live';
import {
  Button,
  ConfirmDialog,
  Dialog,
  DialogActions,
  notify,
  SelectField,
  Stack,
  TextField,
} from '@/ui';
import { changeMembers, createList, deleteContacts, restoreContacts } from './api';
import css from './grid.module.css';
import { MergeDialog } from './MergeDialog';

/** Contacts that one request changes. */
const AT_ONCE = 1000;

interface BulkBarProps {
  selected: Contact[];
  lists: ContactList[];
  onDone: () => void;
}

/** What can be done with the selected contacts. */
export function BulkBar({ selected, lists, onDone }: BulkBarProps) {
  const cache = useQueryClient();
  const role = useLive(({ user }) => user?.role);
  const [asked, setAsked] = useState<'add' | 'remove' | 'delete' | 'merge' | null>(null);
  const [deleted, setDeleted] = useState<{ id: string; count: number } | null>(null);
  const ids = selected.slice(0, AT_ONCE).map((contact) => contact.id);
  const refresh = () => {
    void cache.invalidateQueries({ queryKey: keys.contacts });
    void cache.invalidateQueries({ queryKey: keys.lists });
  };
  const remove = async () => {
    const deletion = await deleteContacts(ids);
    setDeleted({ id: deletion.id, count: deletion.deleted });
    refresh();
    onDone();
  };
  const bringBack = async () => {
    if (deleted === null) return;
    try {
      const { changed } = await restoreContacts(deleted.id);
      notify.done(`${counted(changed, 'contact is', 'contacts are')} back`);
      setDeleted(null);
      refresh();
    } catch (error) {
      notify.failure(error);
    }
  };
  const [first, second] = selected;
  return (
    <>
      {deleted !== null && (
        <div className={css.bulk} role="status">
          <span>{counted(deleted.count, 'contact was', 'contacts were')} deleted.</span>
          <Button
            size="xs"
            emphasis="secondary"
            onClick={() => void bringBack()}
            data-testid="bulk-undo"
          >
            Bring them back
          </Button>
        </div>
      )}
      {selected.length > 0 && (
        <div className={css.bulk} data-testid="bulk-bar">
          <strong>
            {ids.length.toLocaleString()} selected
            {selected.length > AT_ONCE && ' (at most 1,000 at once)'}
          </strong>
          <Button
            size="xs"
            emphasis="secondary"
            onClick={() => setAsked('add')}
            data-testid="bulk-add"
          >
            Add to a list
          </Button>
          <Button
            size="xs"
            emphasis="secondary"
            onClick={() => setAsked('remove')}
            disabled={lists.length === 0}
          >
            Take off a list
          </Button>
          {selected.length === 2 && role !== 'agent' && (
            <Button
              size="xs"
              emphasis="secondary"
              onClick={() => setAsked('merge')}
              data-testid="bulk-merge"
            >
              Merge the two
            </Button>
          )}
          {role === 'admin' && (
            <Button
              size="xs"
              emphasis="secondary"
              onClick={() => setAsked('delete')}
              data-testid="bulk-delete"
            >
              Delete
            </Button>
          )}
          <Button size="xs" emphasis="quiet" onClick={onDone}>
            Clear selection
          </Button>
        </div>
      )}
      {(asked === 'add' || asked === 'remove') && (
        <ListDialog
          action={asked}
          ids={ids}
          lists={lists}
          onClose={() => setAsked(null)}
          onDone={() => {
            setAsked(null);
            refresh();
            onDone();
          }}
        />
      )}
      {asked === 'merge' && first !== undefined && second !== undefined && (
        <MergeDialog
          contacts={[first, second]}
          onClose={() => setAsked(null)}
          onMerged={() => {
            setAsked(null);
            refresh();
            onDone();
          }}
        />
      )}
      {asked === 'delete' && (
        <ConfirmDialog
          title={`Delete ${counted(ids.length, 'contact', 'contacts')}?`}
          confirmLabel="Delete"
          emphasis="danger"
          onConfirm={remove}
          onClose={() => setAsked(null)}
          testId="bulk-delete-confirm"
        >
          <p>
            Texts that wait for them are canceled. What they said about consent stays on record. You
            can bring them back right after.
          </p>
        </ConfirmDialog>
      )}
    </>
  );
}

interface ListDialogProps {
  action: 'add' | 'remove';
  ids: string[];
  lists: ContactList[];
  onClose: () => void;
  onDone: () => void;
}

function ListDialog({ action, ids, lists, onClose, onDone }: ListDialogProps) {
  const [listId, setListId] = useState(lists[0]?.id ?? '');
  const [name, setName] = useState('');
  const [busy, setBusy] = useState(false);
  // Made at an attempt that failed afterwards: a second one of this name would be refused.
  const made = useRef<{ name: string; id: string } | null>(null);
  const listOfName = async () => {
    if (made.current?.name !== name) made.current = { name, id: (await createList(name)).id };
    return made.current.id;
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      const id = listId === '' ? await listOfName() : listId;
      const { changed } = await changeMembers(id, action, ids);
      notify.done(
        action === 'add'
          ? `${changed.toLocaleString()} added to the list`
          : `${changed.toLocaleString()} taken off the list`,
      );
      onDone();
    } catch (error) {
      notify.failure(error);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={action === 'add' ? 'Add to a list' : 'Take off a list'}
      onClose={onClose}
      size="sm"
    >
      <form onSubmit={(event) => void submit(event)}>
        <Stack gap={12}>
          <SelectField
            label="List"
            value={listId}
            onChange={(event) => setListId(event.currentTarget.value)}
            data={[
              ...lists.map((list) => ({ value: list.id, label: list.name })),
              ...(action === 'add' ? [{ value: '', label: 'A new list' }] : []),
            ]}
            data-testid="bulk-list"
          />
          {listId === '' && (
            <TextField
              label="Name of the new list"
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              data-testid="bulk-list-name"
            />
          )}
        </Stack>
        <DialogActions>
          <Button emphasis="secondary" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            loading={busy}
            disabled={listId === '' && name.trim() === ''}
            data-testid="bulk-list-save"
          >
            {action === 'add' ? 'Add' : 'Take off'}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
