import { useQuery } from '@tanstack/react-query';
import { keys } from '@/api/query-keys';
import type { SenderCapability } from '@/api/sender-types';
import { Card, DataTable, Failure, SkeletonRows, Tag, type Tone } from '@/ui';
import { REGISTRATION_KINDS, SENDER_KINDS } from './sender-words';
import { fetchSenderCapabilities } from './senders-api';
import css from './setup.module.css';

const DELIVERY: Record<SenderCapability['delivery'], { label: string; tone: Tone }> = {
  as_is: { label: 'Arrives', tone: 'good' },
  replaced: { label: 'Sender replaced', tone: 'warn' },
  refused: { label: 'Refused', tone: 'bad' },
};

/** What each kind of sender can do in which country, with where that stands. */
export function CapabilitiesCard() {
  const query = useQuery({
    queryKey: keys.senderCapabilities,
    queryFn: ({ signal }) => fetchSenderCapabilities(signal),
  });
  const table = query.data;
  return (
    <Card
      padding="none"
      title="What senders can do, by country"
      description={
        table === undefined
          ? undefined
          : `Version ${table.version}. The first rule that fits counts; elsewhere carriers take the sender as it is, and no pictures or files. No legal advice.`
      }
    >
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <SkeletonRows rows={4} />}
      {table !== undefined && (
        <DataTable
          label="What senders can do, by country"
          rows={table.rules}
          rowKey={(rule) => rule.id}
          columns={[
            {
              key: 'kind',
              title: 'Sender',
              render: (rule) => (
                <div className={css.cell}>
                  <strong>{SENDER_KINDS[rule.kind]}</strong>
                  {rule.from.length > 0 && <span>from {rule.from.join(', ')}</span>}
                </div>
              ),
            },
            {
              key: 'countries',
              title: 'To',
              render: (rule) =>
                rule.countries.includes('*') ? 'Everywhere' : rule.countries.join(', '),
            },
            {
              key: 'delivery',
              title: 'Rule',
              render: (rule) => (
                <div className={css.cell}>
                  <div>
                    <Tag tone={DELIVERY[rule.delivery].tone} dot="dot">
                      {DELIVERY[rule.delivery].label}
                    </Tag>
                  </div>
                  <span>{rule.note}</span>
                  {rule.needs.length > 0 && (
                    <span>
                      Needs: {rule.needs.map((kind) => REGISTRATION_KINDS[kind]).join(', ')}
                    </span>
                  )}
                </div>
              ),
            },
            {
              key: 'source',
              title: 'Source',
              priority: 'wide',
              render: (rule) => <span>{rule.source}</span>,
            },
          ]}
        />
      )}
      {table !== undefined && (
        <DataTable
          label="Pictures and files (MMS)"
          rows={table.mms}
          rowKey={(rule) => rule.id}
          rowTestId="mms-rule"
          columns={[
            {
              key: 'kind',
              title: 'Pictures and files (MMS) from',
              render: (rule) => (
                <div className={css.cell}>
                  <strong>{SENDER_KINDS[rule.kind]}</strong>
                  {rule.from.length > 0 && <span>from {rule.from.join(', ')}</span>}
                </div>
              ),
            },
            { key: 'countries', title: 'To', render: (rule) => rule.countries.join(', ') },
            { key: 'note', title: 'Rule', render: (rule) => <span>{rule.note}</span> },
            {
              key: 'source',
              title: 'Source',
              priority: 'wide',
              render: (rule) => <span>{rule.source}</span>,
            },
          ]}
        />
      )}
    </Card>
  );
}
