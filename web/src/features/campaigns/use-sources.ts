import { useQuery } from '@tanstack/react-query';
import { keys } from '@/api/query-keys';
import {
  fetchLists,
  fetchProgrammeChoice,
  fetchSenderPools,
  fetchSetup,
  fetchTables,
  fetchTemplates,
} from './api';

const isAll = (page: { next_cursor: string | null } | undefined) => page?.next_cursor === null;

/** What a campaign can be made of: senders and pools of them, WhatsApp numbers, contact lists. */
export function useSources() {
  const setup = useQuery({ queryKey: keys.setup, queryFn: ({ signal }) => fetchSetup(signal) });
  const lists = useQuery({ queryKey: keys.lists, queryFn: ({ signal }) => fetchLists(signal) });
  const tables = useQuery({ queryKey: keys.tables, queryFn: ({ signal }) => fetchTables(signal) });
  const pools = useQuery({
    queryKey: keys.senderPools,
    queryFn: ({ signal }) => fetchSenderPools(signal),
  });
  const programmes = useQuery({
    queryKey: [...keys.programmes, 'choice'],
    queryFn: ({ signal }) => fetchProgrammeChoice(signal),
  });
  const templates = useQuery({
    queryKey: keys.allTemplates,
    queryFn: ({ signal }) => fetchTemplates(signal),
  });
  return {
    // What is here stays usable when fetching it again fails.
    ready: setup.data !== undefined && lists.data !== undefined,
    error: setup.error ?? lists.error,
    retry: () => {
      void setup.refetch();
      void lists.refetch();
    },
    senders: setup.data?.senders ?? [],
    pools: pools.data?.data ?? [],
    /** Every account, for its name. */
    accounts: setup.data?.channels ?? [],
    whatsapp: (setup.data?.channels ?? []).filter((channel) => channel.kind === 'whatsapp'),
    templates: templates.data?.data ?? [],
    /** Why there are no templates to choose from, when they could not be read. */
    templatesError: templates.data === undefined ? templates.error : null,
    retryTemplates: () => void templates.refetch(),
    lists: lists.data?.data ?? [],
    programmes: programmes.data ?? [],
    tables: tables.data?.data ?? [],
    /** Whether all of them are here: then one that is not among them is gone. */
    all: { lists: isAll(lists.data), tables: isAll(tables.data) },
  };
}

export type Sources = ReturnType<typeof useSources>;
