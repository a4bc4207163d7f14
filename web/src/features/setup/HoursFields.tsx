import { IconPlus, IconX } from '@tabler/icons-react';
import type { BusinessHours, OpenSpan } from '@/api/conversation-types';
import type { Day } from '@/api/policy-types';
import { Button, CheckField, IconButton, Stack, TextArea, TextField } from '@/ui';
import { clock, minuteOf } from './conversation-words';
import css from './setup.module.css';

const DAYS: [Day, string][] = [
  ['mon', 'Mon'],
  ['tue', 'Tue'],
  ['wed', 'Wed'],
  ['thu', 'Thu'],
  ['fri', 'Fri'],
  ['sat', 'Sat'],
  ['sun', 'Sun'],
];
const END = 24 * 60;

interface HoursProps {
  hours: BusinessHours | null;
  timeZone: string;
  onChange: (hours: BusinessHours | null) => void;
}

/** When people work on a channel. */
export function HoursFields({ hours, timeZone, onChange }: HoursProps) {
  const weekdays: OpenSpan = {
    days: ['mon', 'tue', 'wed', 'thu', 'fri'],
    start_minute: 9 * 60,
    end_minute: 17 * 60,
  };
  if (hours === null) {
    return (
      <div>
        <Button
          emphasis="secondary"
          size="xs"
          onClick={() => onChange({ time_zone: timeZone, spans: [weekdays], holidays: [] })}
          data-testid="hours-add"
        >
          Set business hours
        </Button>
      </div>
    );
  }
  const setSpan = (at: number, span: OpenSpan) =>
    onChange({ ...hours, spans: hours.spans.map((each, index) => (index === at ? span : each)) });
  return (
    <Stack gap={12}>
      <TextField
        label="Time zone"
        value={hours.time_zone}
        onChange={(event) => onChange({ ...hours, time_zone: event.currentTarget.value })}
      />
      {hours.spans.map((span, at) => (
        <div key={at} className={css.span} data-testid="open-span">
          <fieldset className={css.members}>
            <legend>Open on</legend>
            <div className={css.days}>
              {DAYS.map(([day, label]) => (
                <CheckField
                  key={day}
                  label={label}
                  checked={span.days.includes(day)}
                  onChange={() =>
                    setSpan(at, {
                      ...span,
                      days: DAYS.map(([each]) => each).filter((each) =>
                        each === day ? !span.days.includes(day) : span.days.includes(each),
                      ),
                    })
                  }
                />
              ))}
            </div>
          </fieldset>
          <TextField
            label="From"
            type="time"
            value={clock(span.start_minute)}
            onChange={(event) =>
              setSpan(at, { ...span, start_minute: minuteOf(event.currentTarget.value) })
            }
          />
          <TextField
            label="Until"
            type="time"
            description="00:00 is the end of the day"
            value={span.end_minute === END ? '00:00' : clock(span.end_minute)}
            onChange={(event) =>
              setSpan(at, { ...span, end_minute: minuteOf(event.currentTarget.value) || END })
            }
          />
          <IconButton
            label="Remove these hours"
            onClick={() =>
              onChange({ ...hours, spans: hours.spans.filter((_, index) => index !== at) })
            }
          >
            <IconX size={16} />
          </IconButton>
        </div>
      ))}
      <div>
        <Button
          emphasis="secondary"
          size="xs"
          leftSection={<IconPlus size={14} />}
          onClick={() =>
            onChange({ ...hours, spans: [...hours.spans, { ...weekdays, days: ['sat'] }] })
          }
        >
          Add hours
        </Button>
      </div>
      <TextArea
        label="Holidays"
        description="One a line: 12-25, 2026-12-24, 11-thu-4 (fourth Thursday of November), easter+1."
        rows={3}
        value={hours.holidays.join('\n')}
        onChange={(event) =>
          onChange({ ...hours, holidays: event.currentTarget.value.split('\n') })
        }
      />
      <div>
        <Button emphasis="quiet" size="xs" onClick={() => onChange(null)}>
          Always open
        </Button>
      </div>
    </Stack>
  );
}
