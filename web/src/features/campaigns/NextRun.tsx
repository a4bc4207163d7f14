import { useLive } from '@/live';
import { formatDateTimeIn } from '@/lib/time';

/** When a campaign runs next, by the clock that its time was given on: that of the workspace. */
export function NextRun({ at }: { at: string }) {
  const zone = useLive((state) => state.workspace?.time_zone ?? null);
  return <span data-testid="campaign-next-run">{formatDateTimeIn(at, zone)}</span>;
}
