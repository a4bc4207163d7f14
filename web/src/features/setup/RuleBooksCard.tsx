import { useQuery } from '@tanstack/react-query';
import type { Law } from '@/api/policy-types';
import { keys } from '@/api/query-keys';
import { formatDateTime } from '@/lib/time';
import { Card, DataTable, Failure, SkeletonRows, Tag, type TableColumn, type Tone } from '@/ui';
import { fetchRuleBooks } from './policy-api';
import css from './setup.module.css';

const BASIS: Record<Law['basis'], { label: string; tone: Tone }> = {
  law: { label: 'Law', tone: 'info' },
  code: { label: 'Carrier code', tone: 'neutral' },
  practice: { label: 'Good practice', tone: 'neutral' },
};

const columns: TableColumn<Law>[] = [
  {
    key: 'place',
    title: 'Where',
    render: (law) => (
      <div className={css.cell}>
        <strong>{law.title}</strong>
        <code>{law.id}</code>
      </div>
    ),
  },
  {
    key: 'allowed',
    title: 'Allowed',
    render: (law) => (
      <div className={css.cell}>
        {law.hours !== null && <div>{law.hours}</div>}
        {law.frequency !== null && <div>{law.frequency}</div>}
      </div>
    ),
  },
  {
    key: 'source',
    title: 'Source',
    priority: 'wide',
    render: (law) => (
      <div className={css.cell}>
        <div>
          <Tag tone={BASIS[law.basis].tone}>{BASIS[law.basis].label}</Tag>
        </div>
        <span>
          {law.source}. Since {law.effective_from}
          {law.effective_until !== null && `, until ${law.effective_until}`}.
        </span>
      </div>
    ),
  },
];

/** What law, carriers and good practice say, as this version of Segue knows it. */
export function RuleBooksCard() {
  const query = useQuery({
    queryKey: keys.ruleBooks,
    queryFn: ({ signal }) => fetchRuleBooks(signal),
  });
  if (query.data === undefined) {
    return (
      <Card title="Rule books">
        {query.isError ? (
          <Failure error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <SkeletonRows rows={8} />
        )}
      </Card>
    );
  }
  return query.data.data.map((book) => (
    <Card
      key={book.name}
      padding="none"
      title={book.title}
      description={`Version ${book.version}${book.since === null ? '' : `, in force here since ${formatDateTime(book.since)}`}. Every promotional message is checked against it by its recipient's number. It is no legal advice: let counsel confirm what applies to you.`}
      data-testid={`rule-book-${book.name}`}
    >
      <DataTable
        label={book.title}
        columns={columns}
        rows={book.rules}
        rowKey={(law) => law.id}
        rowTestId="law"
      />
    </Card>
  ));
}
