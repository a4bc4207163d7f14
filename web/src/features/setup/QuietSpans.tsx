import { IconPlus, IconX } from '@tabler/icons-react';
import type { Day, QuietSpan } from '@/api/policy-types';
import { Button, CheckField, IconButton, TextField } from '@/ui';
import css from './setup.module.css';

const DAYS: { value: Day; label: string }[] = [
  { value: 'mon', label: 'Mon' },
  { value: 'tue', label: 'Tue' },
  { value: 'wed', label: 'Wed' },
  { value: 'thu', label: 'Thu' },
  { value: 'fri', label: 'Fri' },
  { value: 'sat', label: 'Sat' },
  { value: 'sun', label: 'Sun' },
];

interface QuietSpansProps {
  spans: QuietSpan[];
  onChange: (spans: QuietSpan[]) => void;
}

/** Quiet times of certain weekdays. */
export function QuietSpans({ spans, onChange }: QuietSpansProps) {
  return (
    <>
      {spans.map((span, index) => (
        <SpanRow
          key={index}
          span={span}
          onChange={(changed) => onChange(spans.map((each, at) => (at === index ? changed : each)))}
          onRemove={() => onChange(spans.filter((_, at) => at !== index))}
        />
      ))}
      <div>
        <Button
          emphasis="secondary"
          size="xs"
          leftSection={<IconPlus size={14} />}
          onClick={() => onChange([...spans, { days: ['sun'], start: '00:00', end: '24:00' }])}
          data-testid="span-add"
        >
          Add a quiet time on certain days
        </Button>
      </div>
    </>
  );
}

interface SpanRowProps {
  span: QuietSpan;
  onChange: (span: QuietSpan) => void;
  onRemove: () => void;
}

function SpanRow({ span, onChange, onRemove }: SpanRowProps) {
  const toggle = (day: Day) =>
    onChange({
      ...span,
      days: span.days.includes(day)
        ? span.days.filter((each) => each !== day)
        : DAYS.map(({ value }) => value).filter(
            (value) => value === day || span.days.includes(value),
          ),
    });
  const toEnd = span.end === '24:00';
  return (
    <div className={css.span} data-testid="quiet-span">
      <fieldset className={css.members}>
        <legend>Quiet on</legend>
        <div className={css.days}>
          {DAYS.map(({ value, label }) => (
            <CheckField
              key={value}
              label={label}
              checked={span.days.includes(value)}
              onChange={() => toggle(value)}
            />
          ))}
        </div>
      </fieldset>
      <TextField
        label="From"
        type="time"
        value={span.start}
        onChange={(event) => onChange({ ...span, start: event.currentTarget.value })}
      />
      <TextField
        label="Until"
        type="time"
        value={toEnd ? '' : span.end}
        disabled={toEnd}
        onChange={(event) => onChange({ ...span, end: event.currentTarget.value })}
      />
      <CheckField
        label="to the end of the day"
        checked={toEnd}
        onChange={() => onChange({ ...span, end: toEnd ? '23:00' : '24:00' })}
      />
      <IconButton label="Remove this quiet time" onClick={onRemove}>
        <IconX size={16} />
      </IconButton>
    </div>
  );
}
