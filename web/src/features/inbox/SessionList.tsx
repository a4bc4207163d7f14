import { IconHourglassLow, IconMessageCircle, IconSearch, IconX } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState } from 'react';
import { useRegisterCommands } from '@/lib/hotkeys';
import { useLive, type InboxOrder, type InboxTab } from '@/live';
import { ChoiceTabs, EmptyState, IconButton, SkeletonRows } from '@/ui';
import css from './inbox.module.css';
import { SessionRow } from './SessionRow';
import { useSessionIds, useSteadyOrder, useTabCounts, useWholeTabs } from './use-session-ids';

const ROW_HEIGHT = 86;
/** So many rows before its end the list is continued. */
const NEAR_THE_END = 10;

export function SessionList({ selected }: { selected: string | null }) {
  const [tab, setTab] = useState<InboxTab>('mine');
  const [search, setSearch] = useState('');
  const [sort, setSort] = useState<InboxOrder>('latest');
  const counts = useTabCounts();
  useWholeTabs(tab, counts);
  const { ids, more, searching } = useSessionIds(tab, search, sort);
  const { order, onPointerMove } = useSteadyOrder(ids, `${tab}|${search}|${sort}`);
  const ready = useLive((state) => state.user !== null);
  const navigate = useNavigate();
  const scroll = useRef<HTMLDivElement>(null);
  const searchField = useRef<HTMLInputElement>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- the compiler is not used
  const rows = useVirtualizer({
    count: order.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
    getItemKey: (index) => order[index] ?? index,
  });

  const last = rows.getVirtualItems().at(-1)?.index ?? -1;
  useEffect(() => {
    if (last >= order.length - NEAR_THE_END) more();
  }, [last, order.length, more]);

  const step = (by: 1 | -1) => {
    const at = selected === null ? -1 : order.indexOf(selected);
    const next = order[Math.max(0, Math.min(order.length - 1, at + by))];
    if (next === undefined) return;
    rows.scrollToIndex(order.indexOf(next));
    void navigate({ to: '/inbox/$sessionId', params: { sessionId: next } });
  };
  useRegisterCommands([
    {
      id: 'list.next',
      label: 'Next conversation',
      group: 'Inbox',
      keys: 'j',
      repeats: true,
      run: () => step(1),
    },
    {
      id: 'list.previous',
      label: 'Previous conversation',
      group: 'Inbox',
      keys: 'k',
      repeats: true,
      run: () => step(-1),
    },
    {
      id: 'list.search',
      label: 'Search conversations',
      group: 'Inbox',
      keys: '/',
      run: () => searchField.current?.focus(),
    },
    {
      id: 'list.mine',
      label: 'Show my conversations',
      group: 'Inbox',
      keys: 'g m',
      run: () => setTab('mine'),
    },
    {
      id: 'list.waiting',
      label: 'Show waiting conversations',
      group: 'Inbox',
      keys: 'g q',
      run: () => setTab('waiting'),
    },
    {
      id: 'list.closing',
      label: 'Show conversations whose reply window closes soon',
      group: 'Inbox',
      keys: 'g w',
      run: () => setTab('closing'),
    },
    {
      id: 'list.open',
      label: 'Show all open conversations',
      group: 'Inbox',
      keys: 'g a',
      run: () => setTab('open'),
    },
  ]);

  useEffect(() => {
    scroll.current?.scrollTo({ top: 0 });
  }, [tab, search]);

  return (
    <div className={css.list}>
      <div className={css.listHead}>
        <ChoiceTabs
          label="Which conversations"
          value={tab}
          onChange={setTab}
          items={[
            { value: 'mine', label: 'Mine', count: counts.mine, testId: 'tab-mine' },
            { value: 'waiting', label: 'Waiting', count: counts.waiting, testId: 'tab-waiting' },
            { value: 'closing', label: 'Closing', count: counts.closing, testId: 'tab-closing' },
            { value: 'open', label: 'All', testId: 'tab-open' },
          ]}
        />
        <div className={css.search}>
          <IconSearch size={15} aria-hidden="true" />
          <input
            ref={searchField}
            type="search"
            value={search}
            placeholder="Search name, number, text"
            aria-label="Search conversations"
            data-testid="session-search"
            onChange={(event) => setSearch(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Escape') return;
              setSearch('');
              event.currentTarget.blur();
            }}
          />
          {search !== '' && (
            <button type="button" aria-label="Clear search" onClick={() => setSearch('')}>
              <IconX size={14} />
            </button>
          )}
          <IconButton
            label={
              sort === 'closing' ? 'Order by the latest message' : 'Order by when the window closes'
            }
            aria-pressed={sort === 'closing'}
            className={css.sort ?? ''}
            size={26}
            onClick={() => setSort(sort === 'closing' ? 'latest' : 'closing')}
            data-testid="session-sort"
          >
            <IconHourglassLow size={15} />
          </IconButton>
        </div>
      </div>
      <div
        className={css.scroll}
        ref={scroll}
        onPointerMove={onPointerMove}
        data-testid="session-list"
      >
        {!ready && <SkeletonRows rows={7} height={66} />}
        {ready && order.length === 0 && !searching && <NothingHere tab={tab} search={search} />}
        <ul className={css.rows} style={{ height: rows.getTotalSize() }} aria-label="Conversations">
          {rows.getVirtualItems().map((row) => {
            const id = order[row.index];
            if (id === undefined) return null;
            return (
              <li
                key={row.key}
                className={css.slot}
                style={{ transform: `translateY(${row.start}px)`, height: ROW_HEIGHT }}
                aria-setsize={order.length}
                aria-posinset={row.index + 1}
              >
                <SessionRow id={id} />
              </li>
            );
          })}
        </ul>
      </div>
    </div>
  );
}

function NothingHere({ tab, search }: { tab: InboxTab; search: string }) {
  const available = useLive((state) => state.presence?.status === 'available');
  if (search.trim() !== '') {
    return (
      <EmptyState title="Nothing found">
        No conversation matches “{search.trim()}”. Try part of a name or the last digits of a
        number.
      </EmptyState>
    );
  }
  const words = {
    mine: [
      'No conversation is yours yet',
      available
        ? 'You are available: the next customer is offered to you.'
        : 'Choose Available and the next customer is offered to you.',
    ],
    waiting: [
      'Nobody is waiting',
      'Customers appear here when the bot hands over and no agent is free.',
    ],
    closing: [
      'No window closes soon',
      'Conversations whose reply window closes within four hours appear here, the next one first.',
    ],
    open: [
      'No open conversation',
      'As soon as a customer taps a link and writes, it appears here.',
    ],
  }[tab];
  return (
    <EmptyState icon={<IconMessageCircle size={26} />} title={words[0] ?? ''}>
      {words[1]}
    </EmptyState>
  );
}
