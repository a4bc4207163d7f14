import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import type { SearchHit } from '@/api/identity-types';
import { keys } from '@/api/query-keys';
import { dayEnd, dayStart } from '@/lib/local-time';
import { formatDateTime } from '@/lib/time';
import { useDebounced } from '@/lib/use-debounced';
import { useLive } from '@/live';
import {
  Button,
  Card,
  DateField,
  EmptyState,
  Failure,
  Page,
  SelectField,
  SkeletonRows,
  TextField,
} from '@/ui';
import { searchMessages, type SearchInput } from './api';
import css from './search.module.css';

interface Asked {
  q?: string;
  contact?: string;
  agent?: string;
  from?: string;
  until?: string;
}

/** What is chosen, without the contact, as the address has it. */
const filled = ({ contact: _, ...chosen }: Asked): Asked =>
  Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== ''));

const of = (contact: string | undefined): Asked => (contact === undefined ? {} : { contact });

/** Everything that was ever written, by words, customer, agent and day. */
export function SearchRoute() {
  const asked = useSearch({ strict: false }) as Asked;
  const { contact } = asked;
  const navigate = useNavigate();
  // Fields keep what is typed themselves: an address that follows a moment later would empty a half typed day.
  const [chosen, setChosen] = useState(asked);
  const { q: typed = '', agent = '', from = '', until = '' } = chosen;
  const agents = useLive((state) => state.agents);
  const steers = useLive((state) => state.user?.role !== 'agent');
  const words = useDebounced(typed, 250);
  // What is chosen stands in the address: the way back from a hit leads to the same list.
  const ask = (change: Asked) => {
    const next = { ...chosen, ...change };
    setChosen(next);
    void navigate({ to: '/search', search: { ...filled(next), ...of(contact) }, replace: true });
  };
  const input: SearchInput = {
    q: words,
    contact_id: contact ?? null,
    channel_id: null,
    agent_id: agent === '' ? null : agent,
    from: dayStart(from),
    until: dayEnd(until),
  };
  const ready = words.trim() !== '' || contact !== undefined;
  const query = useInfiniteQuery({
    queryKey: keys.messageSearch(JSON.stringify(input)),
    queryFn: ({ pageParam, signal }) => searchMessages(input, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    enabled: ready,
  });
  const hits = query.data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <Page title="Search messages">
      <form className={css.form} role="search" onSubmit={(event) => event.preventDefault()}>
        <TextField
          label="Words"
          type="search"
          value={typed}
          onChange={(event) => {
            const { value } = event.currentTarget;
            ask({ q: value });
          }}
          data-autofocus
          data-testid="search-words"
        />
        {steers && (
          <SelectField
            label="Agent"
            value={agent}
            data={[
              { value: '', label: 'Anybody' },
              ...agents.map((each) => ({ value: each.user_id, label: each.name })),
            ]}
            onChange={(event) => ask({ agent: event.currentTarget.value })}
            data-testid="search-agent"
          />
        )}
        <DateField
          label="From"
          type="date"
          value={from}
          onDate={(day) => ask({ from: day })}
          data-testid="search-from"
        />
        <DateField
          label="To"
          type="date"
          value={until}
          onDate={(day) => ask({ until: day })}
          data-testid="search-until"
        />
      </form>
      {contact !== undefined && (
        <p className={css.about}>
          Only what was written with one contact.
          <Link to="/search" search={filled(chosen)}>
            Search everybody
          </Link>
        </p>
      )}
      <Card padding="none">
        <Results
          ready={ready ? 'yes' : 'no'}
          hits={hits}
          query={query}
          more={
            query.hasNextPage ? (
              <div className={css.more}>
                <Button
                  emphasis="secondary"
                  loading={query.isFetchingNextPage}
                  onClick={() => void query.fetchNextPage()}
                  data-testid="search-more"
                >
                  Search further back
                </Button>
              </div>
            ) : null
          }
        />
      </Card>
    </Page>
  );
}

interface ResultsProps {
  ready: 'yes' | 'no';
  hits: SearchHit[];
  query: { isError: boolean; error: unknown; isPending: boolean; refetch: () => Promise<unknown> };
  more: React.ReactNode;
}

function Results({ ready, hits, query, more }: ResultsProps) {
  if (ready === 'no') {
    return (
      <EmptyState title="Type a word">
        All words have to stand in the message; the last one may be unfinished. Accents and capitals
        do not matter.
      </EmptyState>
    );
  }
  if (query.isError) return <Failure error={query.error} onRetry={() => void query.refetch()} />;
  if (query.isPending) return <SkeletonRows rows={6} />;
  if (hits.length === 0) {
    return (
      <>
        <EmptyState title="Nothing found">
          {more === null
            ? 'Try fewer words, or other days. You find what you may read: your own conversations and those that wait in your queues.'
            : 'Nothing among the newest messages that you may read.'}
        </EmptyState>
        {more}
      </>
    );
  }
  return (
    <>
      <ul className={css.hits} aria-label="Messages found">
        {hits.map((hit) => (
          <li key={hit.message_id}>
            <Link
              to="/inbox/$sessionId"
              params={{ sessionId: hit.session_id }}
              search={{ message: hit.message_id }}
              className={css.hit}
              data-testid="search-hit"
            >
              <span className={css.head}>
                <strong>{hit.customer}</strong>
                <span>{author(hit)}</span>
                <time dateTime={hit.at}>{formatDateTime(hit.at)}</time>
              </span>
              <span className={css.text}>
                {hit.excerpt.map((piece, index) =>
                  piece.hit ? <mark key={index}>{piece.text}</mark> : piece.text,
                )}
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {more}
    </>
  );
}

function author(hit: SearchHit): string {
  if (hit.kind === 'note') return `Note by ${hit.author.name ?? 'a colleague'}`;
  if (hit.direction === 'inbound') return 'Customer';
  if (hit.author.kind === 'bot') return 'Bot';
  return hit.author.name ?? 'Agent';
}
