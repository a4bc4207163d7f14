import { useQuery } from '@tanstack/react-query';
import { keys } from '@/api/query-keys';
import { accountWords } from '@/lib/sender-name';
import { useLive } from '@/live';
import { fetchKeywords, fetchLists, fetchProgrammes, fetchSenders, fetchSetup } from './api';

/** Agents look at programmes and words; those who run campaigns change them. */
export function useMayChange(): boolean {
  return useLive((state) => state.user?.role !== undefined && state.user.role !== 'agent');
}

/** Only admins change how opt-outs are read and answered. */
export function useMayManage(): boolean {
  return useLive((state) => state.user?.role === 'admin');
}

export function useProgrammes() {
  return useQuery({ queryKey: keys.programmes, queryFn: ({ signal }) => fetchProgrammes(signal) });
}

export function useKeywords() {
  return useQuery({
    queryKey: keys.senderKeywords,
    queryFn: ({ signal }) => fetchKeywords(signal),
  });
}

/** Numbers that people can text to. */
export function useNumbers() {
  const query = useQuery({
    queryKey: ['senders'],
    queryFn: ({ signal }) => fetchSenders(signal),
  });
  const setup = useQuery({ queryKey: keys.setup, queryFn: ({ signal }) => fetchSetup(signal) });
  const senders = query.data?.data ?? [];
  const accounts = setup.data?.channels ?? [];
  return senders
    .filter((sender) => sender.kind !== 'alphanumeric')
    .map((sender) => ({
      ...sender,
      label: sender.address + accountWords(sender, senders, accounts),
    }));
}

export function useLists() {
  const query = useQuery({ queryKey: keys.lists, queryFn: ({ signal }) => fetchLists(signal) });
  return query.data?.data ?? [];
}
