import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { keys } from '@/api/query-keys';
import type { Workspace } from '@/api/types';
import { changesOf } from '@/lib/changes';
import { useUnsaved } from '@/lib/unsaved';
import { changeLive, useLive } from '@/live';
import { Button, Card, CheckField, notify, SkeletonRows, Stack, TextField } from '@/ui';
import { changeWorkspace } from './api';
import { text } from './FormDialog';
import css from './setup.module.css';

export function WorkspaceSection() {
  const workspace = useLive((state) => state.workspace);
  if (workspace === null) {
    return (
      <Card>
        <SkeletonRows rows={4} />
      </Card>
    );
  }
  return <WorkspaceForm initial={workspace} />;
}

function WorkspaceForm({ initial }: { initial: Workspace }) {
  // What the fields began with: only what differs from it is sent.
  const [workspace, setWorkspace] = useState(initial);
  const cache = useQueryClient();
  const [typed, setTyped] = useState(false);
  const [busy, setBusy] = useState(false);
  useUnsaved('What you changed of the workspace', typed ? 'unsaved' : busy ? 'saving' : 'saved');
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    // What is typed from now on is not in it.
    setTyped(false);
    try {
      const change = changesOf(workspace, {
        ...workspace,
        name: text(form, 'name'),
        time_zone: text(form, 'time_zone'),
        country: text(form, 'country').toUpperCase(),
        language: text(form, 'language'),
        erase_transcripts: form.get('erase_transcripts') !== null,
      });
      const saved = await changeWorkspace(change);
      changeLive((data) => ({ ...data, workspace: saved }));
      setWorkspace(saved);
      await cache.invalidateQueries({ queryKey: keys.me });
      notify.done('Workspace saved');
    } catch (error) {
      setTyped(true);
      notify.failure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Card title="Workspace">
      <form onSubmit={(event) => void submit(event)} onInput={() => setTyped(true)}>
        <Stack>
          <div className={css.two}>
            <TextField
              label="Name"
              name="name"
              defaultValue={workspace.name}
              required
              withAsterisk={false}
            />
            <TextField
              label="Country"
              description="Two letters, for numbers without a code."
              name="country"
              maxLength={2}
              defaultValue={workspace.country}
              required
              withAsterisk={false}
            />
            <TextField
              label="Time zone"
              description="e.g. America/New_York"
              name="time_zone"
              defaultValue={workspace.time_zone}
              required
              withAsterisk={false}
            />
            <TextField
              label="Language"
              description="Of templates, for customers whose own is not known or not there: en, pt_BR."
              name="language"
              defaultValue={workspace.language}
              required
              withAsterisk={false}
            />
          </div>
          <CheckField
            label="Empty the conversations of contacts that are gone for good"
            description="Thirty days after a contact was deleted: words and files go, of its texts too; that there were any stays."
            name="erase_transcripts"
            defaultChecked={workspace.erase_transcripts}
          />
          <p>
            Quiet hours and frequency caps are set under{' '}
            <Link to="/setup/$section" params={{ section: 'policy' }}>
              Policy
            </Link>
            .
          </p>
          <div>
            <Button type="submit" loading={busy} data-testid="workspace-save">
              Save
            </Button>
          </div>
        </Stack>
      </form>
    </Card>
  );
}
