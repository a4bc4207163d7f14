import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { keys } from '@/api/query-keys';
import type { SetupStatus } from '@/api/types';
import { Card, Failure, Page, SkeletonRows } from '@/ui';
import { fetchSetup } from './api';
import { ApiKeysSection } from './ApiKeysSection';
import { ChannelsSection } from './ChannelsSection';
import { ConversationsSection } from './ConversationsSection';
import { DeadLettersSection } from './DeadLettersSection';
import { DomainsSection } from './DomainsSection';
import { FilesSection } from './FilesSection';
import { FlowsSection } from './FlowsSection';
import { LinkingSection } from './LinkingSection';
import { OverviewSection } from './OverviewSection';
import { PolicySection } from './PolicySection';
import { PricesSection } from './prices';
import { BlockedSection, TranscriptsSection } from './PrivacySections';
import { QueuesSection } from './QueuesSection';
import { SendersSection } from './SendersSection';
import css from './setup.module.css';
import { TemplatesSection } from './templates';
import { useMayManage } from './use-may-manage';
import { TextsSection } from './TextsSection';
import { UsersSection } from './UsersSection';
import { WorkspaceSection } from './WorkspaceSection';

interface Section {
  key: string;
  label: string;
  /** Left out for everybody but admins. */
  audience?: 'admin';
  render: (setup: SetupStatus, mayManage: boolean) => ReactNode;
}

const SECTIONS: Section[] = [
  { key: 'overview', label: 'Overview', render: (setup) => <OverviewSection setup={setup} /> },
  {
    key: 'channels',
    label: 'Channels',
    render: (setup) => <ChannelsSection setup={setup} />,
  },
  {
    key: 'conversations',
    label: 'Conversations',
    render: (setup) => <ConversationsSection channels={setup.channels} />,
  },
  {
    key: 'templates',
    label: 'Templates',
    render: (setup, mayManage) => (
      <TemplatesSection channels={setup.channels} mayManage={mayManage} />
    ),
  },
  {
    key: 'senders',
    label: 'Senders',
    render: (setup) => <SendersSection channels={setup.channels} />,
  },
  { key: 'prices', label: 'WhatsApp prices', render: () => <PricesSection /> },
  { key: 'policy', label: 'Policy', render: () => <PolicySection /> },
  { key: 'texts', label: 'Texts', render: () => <TextsSection /> },
  { key: 'link-domains', label: 'Link domains', render: () => <DomainsSection /> },
  {
    key: 'queues',
    label: 'Queues',
    render: (setup) => <QueuesSection queues={setup.queues} users={setup.users} />,
  },
  {
    key: 'linking',
    label: 'Linking',
    render: (setup) => <LinkingSection channels={setup.channels} />,
  },
  {
    key: 'blocked',
    label: 'Blocked customers',
    render: (setup) => <BlockedSection channels={setup.channels} users={setup.users} />,
  },
  { key: 'transcripts', label: 'Transcripts', render: () => <TranscriptsSection /> },
  {
    key: 'users',
    label: 'Users',
    audience: 'admin',
    render: (setup) => <UsersSection users={setup.users} />,
  },
  { key: 'flows', label: 'Flows', render: (setup) => <FlowsSection flows={setup.flows} /> },
  { key: 'files', label: 'Files', render: () => <FilesSection /> },
  { key: 'api-keys', label: 'API keys', audience: 'admin', render: () => <ApiKeysSection /> },
  { key: 'dead-letters', label: 'Dead letters', render: () => <DeadLettersSection /> },
  { key: 'workspace', label: 'Workspace', audience: 'admin', render: () => <WorkspaceSection /> },
];

export function SetupRoute() {
  const { section } = useParams({ strict: false });
  const mayManage = useMayManage();
  const sections = SECTIONS.filter((each) => each.audience === undefined || mayManage);
  const current = sections.find((each) => each.key === section) ?? sections[0];
  const query = useQuery({ queryKey: keys.setup, queryFn: ({ signal }) => fetchSetup(signal) });
  return (
    <Page title="Setup">
      <div className={css.layout}>
        <nav className={css.nav} aria-label="Setup">
          {sections.map((each) => (
            <Link
              key={each.key}
              to="/setup/$section"
              params={{ section: each.key }}
              data-testid={`setup-${each.key}`}
            >
              {each.label}
            </Link>
          ))}
        </nav>
        <div className={css.body}>
          {query.data === undefined ? (
            <Card>
              {query.isError ? (
                <Failure error={query.error} onRetry={() => void query.refetch()} />
              ) : (
                <SkeletonRows rows={6} />
              )}
            </Card>
          ) : (
            current?.render(query.data, mayManage)
          )}
        </div>
      </div>
    </Page>
  );
}
