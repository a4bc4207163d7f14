import { IconPlus } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Snippet } from '@/api/text-types';
import { keys } from '@/api/query-keys';
import { formatDateTime } from '@/lib/time';
import {
  Button,
  Card,
  ConfirmDialog,
  DataTable,
  Dialog,
  EmptyState,
  Failure,
  notify,
  Row,
  SkeletonRows,
  TextArea,
  TextField,
} from '@/ui';
import {
  changeSnippet,
  createSnippet,
  fetchSnippets,
  fetchSnippetUses,
  fetchSnippetVersions,
  removeSnippet,
} from './texts-api';
import { FormDialog, text } from './FormDialog';
import css from './setup.module.css';

/** Blocks of text that campaigns share. */
export function SnippetsCard() {
  const cache = useQueryClient();
  const [editing, setEditing] = useState<Snippet | 'new' | null>(null);
  const [removing, setRemoving] = useState<Snippet | null>(null);
  const [history, setHistory] = useState<Snippet | null>(null);
  const [used, setUsed] = useState<Snippet | null>(null);
  const snippets = useQuery({
    queryKey: keys.snippets,
    queryFn: ({ signal }) => fetchSnippets(signal),
  });
  const refresh = () => cache.invalidateQueries({ queryKey: keys.snippets });
  const rows = snippets.data?.data ?? [];
  return (
    <Card
      padding="none"
      title="Snippets"
      description="Blocks that several campaigns share, such as the legal line. A draft gets the newest version; a campaign that has been started keeps the one it was started with."
      aside={
        <Button
          leftSection={<IconPlus size={16} />}
          onClick={() => setEditing('new')}
          data-testid="snippet-new"
        >
          Add snippet
        </Button>
      }
    >
      {snippets.isError && (
        <Failure error={snippets.error} onRetry={() => void snippets.refetch()} />
      )}
      {snippets.isPending && <SkeletonRows rows={3} />}
      {snippets.data !== undefined && rows.length === 0 && (
        <EmptyState title="No snippet yet">
          Write one here and insert it into texts with “+ Snippet”.
        </EmptyState>
      )}
      {rows.length > 0 && (
        <DataTable
          label="Snippets"
          rows={rows}
          rowKey={(snippet) => snippet.id}
          columns={[
            { key: 'name', title: 'Name', render: (snippet) => <strong>{snippet.name}</strong> },
            { key: 'body', title: 'Text', priority: 'wide', render: (snippet) => snippet.body },
            {
              key: 'version',
              title: 'Version',
              render: (snippet) => (
                <button
                  type="button"
                  className={css.textButton}
                  onClick={() => setHistory(snippet)}
                >
                  {snippet.version}
                </button>
              ),
            },
            {
              key: 'actions',
              title: 'What to do',
              render: (snippet) => (
                <Row>
                  <button
                    type="button"
                    className={css.textButton}
                    onClick={() => setEditing(snippet)}
                  >
                    Change
                  </button>
                  <button type="button" className={css.textButton} onClick={() => setUsed(snippet)}>
                    Where used
                  </button>
                  <button
                    type="button"
                    className={css.textButton}
                    onClick={() => setRemoving(snippet)}
                  >
                    Remove
                  </button>
                </Row>
              ),
            },
          ]}
        />
      )}
      {editing !== null && (
        <FormDialog
          title={editing === 'new' ? 'Add a snippet' : `Change ${editing.name}`}
          saveLabel={editing === 'new' ? 'Add snippet' : 'Save as new version'}
          testId="snippet-save"
          onClose={() => setEditing(null)}
          onSave={async (form) => {
            const body = text(form, 'body');
            await (editing === 'new'
              ? createSnippet(text(form, 'name'), body)
              : changeSnippet(editing.id, body, editing.version));
            await refresh();
            notify.done('Snippet saved');
          }}
        >
          {editing === 'new' && (
            <TextField
              label="Name"
              description="Small letters, digits and hyphens; it cannot be changed later."
              name="name"
              placeholder="legal-line"
              required
              withAsterisk={false}
              data-autofocus
            />
          )}
          <TextArea
            label="Text"
            description="May use merge fields, like a campaign's text."
            name="body"
            autosize
            minRows={3}
            defaultValue={editing === 'new' ? '' : editing.body}
            required
            withAsterisk={false}
          />
        </FormDialog>
      )}
      {removing !== null && (
        <ConfirmDialog
          title={`Remove ${removing.name}?`}
          confirmLabel="Remove"
          emphasis="danger"
          onClose={() => setRemoving(null)}
          onConfirm={async () => {
            await removeSnippet(removing.id);
            await refresh();
          }}
        >
          What was sent with it stays on record. A snippet that a draft or another snippet includes
          cannot be removed.
        </ConfirmDialog>
      )}
      {used !== null && <Uses snippet={used} onClose={() => setUsed(null)} />}
      {history !== null && <Versions snippet={history} onClose={() => setHistory(null)} />}
    </Card>
  );
}

function Versions({ snippet, onClose }: { snippet: Snippet; onClose: () => void }) {
  const versions = useQuery({
    queryKey: keys.snippetVersions(snippet.id),
    queryFn: ({ signal }) => fetchSnippetVersions(snippet.id, signal),
  });
  return (
    <Dialog title={`Versions of ${snippet.name}`} onClose={onClose} size="lg">
      {versions.isError && (
        <Failure error={versions.error} onRetry={() => void versions.refetch()} />
      )}
      {versions.isPending && <SkeletonRows rows={3} />}
      <ol className={css.versions}>
        {(versions.data?.data ?? []).map((each) => (
          <li key={each.version}>
            <small>
              Version {each.version}, {formatDateTime(each.created_at)}
            </small>
            <p>{each.body}</p>
          </li>
        ))}
      </ol>
    </Dialog>
  );
}

function Uses({ snippet, onClose }: { snippet: Snippet; onClose: () => void }) {
  const uses = useQuery({
    queryKey: keys.snippetUses(snippet.id),
    queryFn: ({ signal }) => fetchSnippetUses(snippet.id, signal),
  });
  const { campaigns = [], snippets = [] } = uses.data ?? {};
  return (
    <Dialog title={`Where ${snippet.name} is used`} onClose={onClose} size="lg">
      {uses.isError && <Failure error={uses.error} onRetry={() => void uses.refetch()} />}
      {uses.isPending && <SkeletonRows rows={3} />}
      {uses.isSuccess && campaigns.length + snippets.length === 0 && (
        <EmptyState title="Nowhere yet">No campaign and no other snippet includes it.</EmptyState>
      )}
      <ul className={css.versions}>
        {snippets.map((name) => (
          <li key={name}>
            <strong>{name}</strong> <small>another snippet</small>
          </li>
        ))}
        {campaigns.map((campaign) => (
          <li key={campaign.campaign_id}>
            <Link to="/campaigns/$campaignId" params={{ campaignId: campaign.campaign_id }}>
              {campaign.name}
            </Link>{' '}
            <small>
              {campaign.version === null
                ? 'draft, gets the newest version'
                : `${campaign.state.replaceAll('_', ' ')}, version ${campaign.version}`}
            </small>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
