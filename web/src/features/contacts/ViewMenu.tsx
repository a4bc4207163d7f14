import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { keys } from '@/api/query-keys';
import type { ContactView } from '@/api/types';
import { useLive } from '@/live';
import {
  Button,
  CheckField,
  Dialog,
  DialogActions,
  notify,
  SelectField,
  Stack,
  TextField,
} from '@/ui';
import { searchOf } from './address';
import { deleteView, fetchViews, saveView } from './api';
import css from './grid.module.css';

interface ViewMenuProps {
  look: ContactView['query'];
  view: ContactView | null;
  onChoose: (view: ContactView | null) => void;
}

/** Saved views: choose one, save what is shown, remove an own one. */
export function ViewMenu({ look, view, onChoose }: ViewMenuProps) {
  const cache = useQueryClient();
  const userId = useLive(({ user }) => user?.id);
  const [saving, setSaving] = useState(false);
  const query = useQuery({
    queryKey: keys.contactViews,
    queryFn: ({ signal }) => fetchViews(signal),
  });
  const views = query.data?.data ?? [];
  const own = view !== null && view.owner === userId;
  const told = (query: ContactView['query']) =>
    JSON.stringify([searchOf(query, null), query.columns]);
  const changed = view !== null && told(view.query) !== told(look);
  const refresh = () => void cache.invalidateQueries({ queryKey: keys.contactViews });
  const save = async (name: string, shared: boolean, id: string | null) => {
    try {
      const saved = await saveView(id, { name, shared, query: look });
      await cache.invalidateQueries({ queryKey: keys.contactViews });
      onChoose(saved);
      notify.done('View saved');
      setSaving(false);
    } catch (error) {
      notify.failure(error);
    }
  };
  const remove = async () => {
    if (view === null) return;
    try {
      await deleteView(view.id);
      onChoose(null);
      refresh();
    } catch (error) {
      notify.failure(error);
    }
  };
  return (
    <div className={css.viewMenu}>
      <SelectField
        aria-label="View"
        value={view?.id ?? ''}
        onChange={(event) => {
          const id = event.currentTarget.value;
          onChoose(views.find((each) => each.id === id) ?? null);
        }}
        data={[
          { value: '', label: 'All contacts' },
          ...views.map((each) => ({
            value: each.id,
            label: each.shared ? `${each.name} (shared)` : each.name,
          })),
        ]}
        data-testid="contact-view"
      />
      {own && changed && (
        <Button
          size="xs"
          emphasis="secondary"
          onClick={() => void save(view.name, view.shared, view.id)}
        >
          Save changes
        </Button>
      )}
      <Button size="xs" emphasis="quiet" onClick={() => setSaving(true)} data-testid="view-save">
        Save as a view
      </Button>
      {own && !changed && (
        <Button size="xs" emphasis="quiet" onClick={() => void remove()}>
          Remove view
        </Button>
      )}
      {saving && (
        <ViewDialog
          onClose={() => setSaving(false)}
          onSave={(name, shared) => save(name, shared, null)}
        />
      )}
    </div>
  );
}

interface ViewDialogProps {
  onClose: () => void;
  onSave: (name: string, shared: boolean) => Promise<void>;
}

function ViewDialog({ onClose, onSave }: ViewDialogProps) {
  const [name, setName] = useState('');
  const [shared, setShared] = useState(false);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    await onSave(name, shared);
    setBusy(false);
  };
  return (
    <Dialog title="Save as a view" onClose={onClose} size="sm">
      <form onSubmit={(event) => void submit(event)}>
        <Stack gap={12}>
          <TextField
            label="Name"
            description="Search, list, filters, order and columns are kept under it."
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            data-autofocus
            data-testid="view-name"
          />
          <CheckField
            label="Everybody sees it"
            checked={shared}
            onChange={(event) => setShared(event.currentTarget.checked)}
          />
        </Stack>
        <DialogActions>
          <Button emphasis="secondary" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            loading={busy}
            disabled={name.trim() === ''}
            data-testid="view-confirm"
          >
            Save
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
