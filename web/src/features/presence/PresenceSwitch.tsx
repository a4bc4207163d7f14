import { IconChevronDown } from '@tabler/icons-react';
import type { PresenceStatus } from '@/api/types';
import { useLive } from '@/live';
import { choosePresence } from './choose';
import css from './presence.module.css';

const STATUSES: { value: PresenceStatus; label: string }[] = [
  { value: 'available', label: 'Available' },
  { value: 'busy', label: 'Busy' },
  { value: 'away', label: 'Away' },
  { value: 'offline', label: 'Offline' },
];

/** Own status and how many conversations of the own capacity are taken. */
export function PresenceSwitch() {
  const presence = useLive((state) => state.presence);
  const status = presence?.status ?? 'offline';
  const load = presence?.load ?? 0;
  const capacity = presence?.capacity ?? 0;
  return (
    <div className={css.presence} data-status={status}>
      <label className={css.control}>
        <span className="sr-only">Your status</span>
        <span className={css.dot} aria-hidden="true" />
        <select
          className={css.select}
          value={status}
          disabled={presence === null}
          data-testid="presence-select"
          onChange={(event) => void choosePresence(event.target.value as PresenceStatus)}
        >
          {STATUSES.map((each) => (
            <option key={each.value} value={each.value}>
              {each.label}
            </option>
          ))}
        </select>
        <IconChevronDown size={14} aria-hidden="true" className={css.chevron} />
      </label>
      <div
        className={css.meter}
        role="meter"
        aria-label="Conversations you handle"
        aria-valuemin={0}
        aria-valuemax={capacity}
        aria-valuenow={load}
        aria-valuetext={`${load} of ${capacity}`}
        title={`${load} of ${capacity} conversations`}
        data-testid="capacity-meter"
      >
        <span className={css.bars} aria-hidden="true">
          {Array.from({ length: Math.min(capacity, 10) }, (_, index) => (
            <i key={index} data-taken={index < load ? 'yes' : 'no'} />
          ))}
        </span>
        <span className={css.figure}>
          {load}/{capacity}
        </span>
      </div>
    </div>
  );
}
