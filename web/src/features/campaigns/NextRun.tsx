import type { Schedule } from '@/api/campaign-types';
import { useLive } from '@/live';
import { formatDateTimeIn, formatWallTime } from '@/lib/time';

/** The zone where a day comes first: a run by the recipients' clocks is due when its time comes there. */
const FIRST_ZONE = 'Pacific/Kiritimati';

/** When a campaign runs next, by the clock that its time was given on: that of the workspace, or of each recipient. */
export function NextRun({ at, clock }: { at: string; clock: Schedule['clock'] }) {
  const zone = useLive((state) => state.workspace?.time_zone ?? null);
  const ofEach = clock === 'recipient' ? formatWallTime(at, FIRST_ZONE) : null;
  return (
    <span data-testid="campaign-next-run">
      {ofEach === null ? formatDateTimeIn(at, zone) : `${ofEach} by each recipient’s own clock`}
    </span>
  );
}
