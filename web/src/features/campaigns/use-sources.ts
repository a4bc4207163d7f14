import { useQuery } from '@tanstack/react-query';
import { keys } from '@/api/query-keys';
import { fetchLists, fetchSetup } from './api';

/** What a campaign can be made of: senders, WhatsApp numbers, contact lists. */
export function useSources() {
  const setup = useQuery({ queryKey: keys.setup, queryFn: ({ signal }) => fetchSetup(signal) });
  const lists = useQuery({ queryKey: keys.lists, queryFn: ({ signal }) => fetchLists(signal) });
  return {
    ready: setup.isSuccess && lists.isSuccess,
    error: setup.error ?? lists.error,
    retry: () => {
      void setup.refetch();
      void lists.refetch();
    },
    senders: setup.data?.senders ?? [],
    whatsapp: (setup.data?.channels ?? []).filter((channel) => channel.kind === 'whatsapp'),
    lists: lists.data?.data ?? [],
  };
}

export type Sources = ReturnType<typeof useSources>;
