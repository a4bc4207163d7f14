import type { LiveData } from './data';

/** Ended conversations stay for so long after nothing shows them any more. */
const IDLE_MS = 10 * 60_000;

/** How many lists show a conversation. */
const shown = new Map<string, number>();

/** Keeps these conversations while a list shows them. */
export function holdSessions(ids: string[]): () => void {
  for (const id of ids) shown.set(id, (shown.get(id) ?? 0) + 1);
  return () => {
    for (const id of ids) {
      const left = (shown.get(id) ?? 1) - 1;
      if (left === 0) shown.delete(id);
      else shown.set(id, left);
    }
  };
}

function without<T>(record: Record<string, T>, ids: Set<string>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([id]) => !ids.has(id)));
}

/**
 * Gives up what a whole shift would gather: conversations that are over or out of sight and on no screen, and who was
 * typing. `idle` notes since when each could go.
 */
export function tidy(data: LiveData, idle: Map<string, number>, now: number): LiveData {
  const over = new Set<string>();
  for (const session of Object.values(data.sessions)) {
    const { id } = session;
    const isNeeded =
      (session.state !== 'ended' && !(id in data.away)) || id in data.threads || shown.has(id);
    if (isNeeded) idle.delete(id);
    else if (!idle.has(id)) idle.set(id, now);
    else if (now - (idle.get(id) ?? now) >= IDLE_MS) over.add(id);
  }
  for (const id of [...idle.keys()]) if (over.has(id) || !(id in data.sessions)) idle.delete(id);
  const silent = new Set(
    Object.entries(data.typing).flatMap(([id, { until }]) => (until < now ? [id] : [])),
  );
  if (over.size === 0 && silent.size === 0) return data;
  return {
    ...data,
    sessions: without(data.sessions, over),
    away: without(data.away, over),
    typing: without(data.typing, silent),
  };
}
