import { IconPlus } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { LinkDomain } from '@/api/link-types';
import { keys } from '@/api/query-keys';
import {
  Button,
  Card,
  ConfirmDialog,
  DataTable,
  EmptyState,
  Failure,
  notify,
  Row,
  SkeletonRows,
  Tag,
  TextField,
} from '@/ui';
import { addLinkDomain, fetchLinkDomains, makeLinkDomainDefault, removeLinkDomain } from './api';
import { FormDialog, text } from './FormDialog';
import css from './setup.module.css';
import { useMayManage } from './use-may-manage';

/** Host names of the workspace's own for short links. */
export function DomainsSection() {
  const mayManage = useMayManage();
  const cache = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<LinkDomain | null>(null);
  const domains = useQuery({
    queryKey: keys.linkDomains,
    queryFn: ({ signal }) => fetchLinkDomains(signal),
    // Somebody opens the address that verifies a name in another window.
    refetchInterval: 5_000,
  });
  const refresh = () => cache.invalidateQueries({ queryKey: keys.linkDomains });
  const makeDefault = async (domain: LinkDomain) => {
    try {
      await makeLinkDomainDefault(domain.id);
      await refresh();
      notify.done(`Links of new campaigns stand on ${domain.host}; the others keep theirs`);
    } catch (error) {
      notify.failure(error);
    }
  };
  const rows = domains.data?.data ?? [];
  return (
    <Card
      padding="none"
      title="Link domains"
      description="Short links on your brand’s own host name are trusted by carriers and customers. Point its DNS (CNAME or A record) at this server and let its TLS end in front of Segue, then open the address that verifies it."
      aside={
        mayManage && (
          <Button
            leftSection={<IconPlus size={16} />}
            onClick={() => setAdding(true)}
            data-testid="domain-new"
          >
            Add domain
          </Button>
        )
      }
    >
      {domains.isError && <Failure error={domains.error} onRetry={() => void domains.refetch()} />}
      {domains.isPending && <SkeletonRows rows={3} />}
      {domains.data !== undefined && rows.length === 0 && (
        <EmptyState title="No domain of your own yet">
          Links stand on this server’s address until there is one.
        </EmptyState>
      )}
      {rows.length > 0 && (
        <DataTable
          label="Link domains"
          rows={rows}
          rowKey={(domain) => domain.id}
          columns={[
            {
              key: 'host',
              title: 'Host name',
              render: (domain) => <strong>{domain.host}</strong>,
            },
            {
              key: 'state',
              title: 'State',
              render: (domain) =>
                domain.verified_at === null ? (
                  <Tag tone="warn" dot="dot">
                    Not verified
                  </Tag>
                ) : (
                  <Tag tone={domain.is_default ? 'good' : 'neutral'} dot="dot">
                    {domain.is_default ? 'Default' : 'Verified'}
                  </Tag>
                ),
            },
            {
              key: 'actions',
              title: 'What to do',
              render: (domain) =>
                mayManage && (
                  <Row>
                    {domain.verified_at === null && (
                      <a
                        href={`https://${domain.host}/l/check/${domain.check_token}`}
                        target="_blank"
                        rel="noreferrer"
                      >
                        Open to verify
                      </a>
                    )}
                    {domain.verified_at !== null && !domain.is_default && (
                      <button
                        type="button"
                        className={css.textButton}
                        onClick={() => void makeDefault(domain)}
                      >
                        Make default
                      </button>
                    )}
                    <button
                      type="button"
                      className={css.textButton}
                      onClick={() => setRemoving(domain)}
                    >
                      Remove
                    </button>
                  </Row>
                ),
            },
          ]}
        />
      )}
      {adding && (
        <FormDialog
          title="Add a link domain"
          saveLabel="Add domain"
          testId="domain-save"
          onClose={() => setAdding(false)}
          onSave={async (form) => {
            await addLinkDomain(text(form, 'host'));
            await refresh();
            notify.done('Domain added', 'Verify it before links stand on it.');
          }}
        >
          <TextField
            label="Host name"
            description="A name used for nothing else, such as go.example.com."
            name="host"
            placeholder="go.example.com"
            required
            withAsterisk={false}
            data-autofocus
          />
        </FormDialog>
      )}
      {removing !== null && (
        <ConfirmDialog
          title={`Remove ${removing.host}?`}
          confirmLabel="Remove"
          emphasis="danger"
          onClose={() => setRemoving(null)}
          onConfirm={async () => {
            await removeLinkDomain(removing.id);
            await refresh();
          }}
        >
          New links no longer stand on it. Links that were sent keep working as long as its DNS
          points here.
        </ConfirmDialog>
      )}
    </Card>
  );
}
