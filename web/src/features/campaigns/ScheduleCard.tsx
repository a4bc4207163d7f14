import { useRef, useState } from 'react';
import type { Schedule } from '@/api/types';
import { useLive } from '@/live';
import {
  Card,
  CheckField,
  DateField,
  NumberField,
  SelectField,
  Stack,
  TextField,
  type Typed,
} from '@/ui';
import css from './editor.module.css';

interface ScheduleCardProps {
  schedule: Schedule;
  onChange: (schedule: Schedule) => void;
  /** Told when the start or the last day is half typed, and when both are whole again. */
  onTyped?: (typed: Typed) => void;
}

/** `2026-12-01T09:00:00` as the field takes it, and back. */
const toField = (time: string | null) => time?.slice(0, 16) ?? '';
const fromField = (text: string) => (text === '' ? null : `${text}:00`);
const toClock = (time: string) => time.slice(0, 5);

function number(text: string): number | null {
  const value = Number.parseInt(text, 10);
  return Number.isNaN(value) ? null : value;
}

interface ClockFieldProps {
  label: string;
  time: string;
  onTime: (time: string) => void;
}

/** A time of day that there always is: while the field is empty the one before counts, and is back afterwards. */
function ClockField({ label, time, onTime }: ClockFieldProps) {
  const [isEmpty, setIsEmpty] = useState(false);
  return (
    <TextField
      type="time"
      label={label}
      value={isEmpty ? '' : toClock(time)}
      onChange={(event) => {
        const { value } = event.currentTarget;
        setIsEmpty(value === '');
        if (value !== '') onTime(`${value}:00`);
      }}
      onBlur={() => setIsEmpty(false)}
    />
  );
}

/** On whose clock the times are. */
function clockWords(zone: string | null, { starts_at, clock }: Schedule): string {
  const ours = `the clock of the workspace${zone === null ? '' : `, ${zone.replaceAll('_', ' ')}`}`;
  return starts_at !== null && clock === 'recipient'
    ? `Start and last day by each recipient’s own clock, hours by ${ours}.`
    : `By ${ours}.`;
}

/** When it starts, how often, and how fast. */
export function ScheduleCard({ schedule, onChange, onTyped }: ScheduleCardProps) {
  const set = (change: Partial<Schedule>) => onChange({ ...schedule, ...change });
  const { window } = schedule;
  const dates = useRef<{ start: Typed; last: Typed }>({ start: 'whole', last: 'whole' });
  const put = (date: 'start' | 'last', typed: Typed) => {
    dates.current[date] = typed;
    onTyped?.(Object.values(dates.current).includes('half') ? 'half' : 'whole');
  };
  const zone = useLive((state) => state.workspace?.time_zone ?? null);
  // Kept while there is no start, and left out where it is sent.
  const repeat = schedule.starts_at === null ? null : schedule.repeat;
  const setRepeat = (change: Partial<NonNullable<Schedule['repeat']>>) =>
    set({
      repeat: { frequency: 'weekly', interval: 1, count: null, until: null, ...repeat, ...change },
    });
  return (
    <Card
      title="Time"
      description={`${clockWords(zone, schedule)} Quiet hours hold on top of everything here.`}
    >
      <Stack gap={12}>
        <div className={css.two}>
          <DateField
            type="datetime-local"
            label="Start"
            description="Empty: as soon as you start it."
            value={toField(schedule.starts_at)}
            onDate={(value) => set({ starts_at: fromField(value) })}
            onTyped={(typed) => put('start', typed)}
            data-testid="schedule-start"
          />
          <SelectField
            label="On whose clock"
            description="Their own: everybody at that time of day."
            value={schedule.starts_at === null ? 'workspace' : schedule.clock}
            disabled={schedule.starts_at === null}
            data={[
              { value: 'workspace', label: 'Ours, all at once' },
              { value: 'recipient', label: 'Each recipient’s own' },
            ]}
            onChange={(event) => set({ clock: event.currentTarget.value as Schedule['clock'] })}
            data-testid="schedule-clock"
          />
        </div>
        <div className={css.two}>
          <SelectField
            label="Repeat"
            value={repeat?.frequency ?? ''}
            disabled={schedule.starts_at === null}
            data={[
              { value: '', label: 'Once' },
              { value: 'daily', label: 'Every so many days' },
              { value: 'weekly', label: 'Every so many weeks' },
              { value: 'monthly', label: 'Every so many months' },
            ]}
            onChange={(event) => {
              const frequency = event.currentTarget.value;
              if (frequency === '') set({ repeat: null });
              else setRepeat({ frequency: frequency as 'daily' });
            }}
            data-testid="schedule-repeat"
          />
          {repeat !== null && (
            <NumberField
              min={1}
              label="Every"
              value={repeat.interval}
              onNumber={(interval) => setRepeat({ interval })}
            />
          )}
          {repeat !== null && (
            <TextField
              type="number"
              min={1}
              label="Number of runs"
              placeholder="without end"
              value={repeat.count ?? ''}
              onChange={(event) => setRepeat({ count: number(event.currentTarget.value) })}
            />
          )}
          {repeat !== null && (
            <DateField
              type="date"
              label="Last day"
              value={repeat.until ?? ''}
              onDate={(until) => setRepeat({ until: until === '' ? null : until })}
              onTyped={(typed) => put('last', typed)}
            />
          )}
        </div>
        {schedule.starts_at !== null && (
          <div className={css.two}>
            <SelectField
              label="If it cannot start in time"
              value={schedule.misfire}
              data={[
                { value: 'run_late', label: 'Start late' },
                { value: 'skip', label: 'Leave it out' },
                { value: 'ask', label: 'Wait for me' },
              ]}
              onChange={(event) =>
                set({ misfire: event.currentTarget.value as Schedule['misfire'] })
              }
            />
            <NumberField
              min={1}
              max={168}
              label="At most so many hours late"
              value={schedule.late_hours}
              onNumber={(late_hours) => set({ late_hours })}
            />
          </div>
        )}
        <CheckField
          label="Send only at certain hours"
          checked={window !== null}
          onChange={(event) =>
            set({
              window: event.currentTarget.checked ? { from: '09:00:00', until: '18:00:00' } : null,
            })
          }
          data-testid="schedule-window"
        />
        {window !== null && (
          <div className={css.two}>
            <ClockField
              label="From"
              time={window.from}
              onTime={(from) => set({ window: { ...window, from } })}
            />
            <ClockField
              label="Until"
              time={window.until}
              onTime={(until) => set({ window: { ...window, until } })}
            />
          </div>
        )}
        <div className={css.two}>
          <TextField
            type="number"
            min={1}
            max={1000000}
            label="At most so many messages a minute"
            description="Empty: as fast as the sender may."
            value={schedule.per_minute ?? ''}
            onChange={(event) => set({ per_minute: number(event.currentTarget.value) })}
            data-testid="schedule-per-minute"
          />
          <TextField
            type="number"
            min={1}
            max={720}
            label="Too late after so many hours"
            description="What has not left by then is not sent any more. Empty: it waits."
            value={schedule.expires_hours ?? ''}
            onChange={(event) => set({ expires_hours: number(event.currentTarget.value) })}
            data-testid="schedule-expires"
          />
        </div>
      </Stack>
    </Card>
  );
}
