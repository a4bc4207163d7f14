import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { Session } from '@/api/types';
import { changeLive, putSession, useLive } from '@/live';
import { Dialog, notify } from '@/ui';
import { fetchQueues, transfer } from './api';
import css from './pane.module.css';

const STATUS_WORDS = { available: 'Available', busy: 'Busy', away: 'Away', offline: 'Offline' };

const waitingWords = (count: number) => (count === 0 ? 'nobody waiting' : `${count} waiting`);

export function TransferDialog({ session, onClose }: { session: Session; onClose: () => void }) {
  const known = useLive((state) => state.queues);
  // How many wait is told with the snapshot alone, which may be hours old.
  const fresh = useQuery({
    queryKey: keys.queues,
    queryFn: ({ signal }) => fetchQueues(signal),
    staleTime: 0,
    retry: false,
  });
  const queues = fresh.data?.data ?? known;
  const agents = useLive((state) => state.agents);
  const me = useLive((state) => state.user?.id);
  const [busy, setBusy] = useState(false);

  const go = async (name: string, target: { queue_id: string } | { user_id: string }) => {
    setBusy(true);
    try {
      const moved = await transfer(session.id, target);
      changeLive((data) => putSession(data, moved));
      notify.done(`Transferred to ${name}`);
      onClose();
    } catch (error) {
      notify.failure(error);
      setBusy(false);
    }
  };

  return (
    <Dialog title={`Transfer ${session.customer.name}`} onClose={onClose}>
      <div className={css.targets}>
        <h3>Queues</h3>
        {queues.map((queue) => (
          <button
            key={queue.id}
            type="button"
            className={css.target}
            disabled={busy}
            onClick={() => void go(queue.name, { queue_id: queue.id })}
          >
            {queue.name}
            <span>{fresh.data !== undefined && waitingWords(queue.waiting)}</span>
          </button>
        ))}
        <h3>Agents</h3>
        {agents
          .filter((agent) => agent.user_id !== me && agent.user_id !== session.agent?.id)
          .map((agent) => (
            <button
              key={agent.user_id}
              type="button"
              className={css.target}
              disabled={busy || agent.presence.status === 'offline'}
              onClick={() => void go(agent.name, { user_id: agent.user_id })}
            >
              {agent.name}
              <span>
                {STATUS_WORDS[agent.presence.status]} · {agent.presence.load} of{' '}
                {agent.presence.capacity}
              </span>
            </button>
          ))}
      </div>
    </Dialog>
  );
}
