import { useQuery, useQueryClient } from '@tanstack/react-query';
import { IconPlus, IconX } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import type { CapPeriod, Day, Policy, QuietSpan } from '@/api/policy-types';
import { keys } from '@/api/query-keys';
import { Button, Card, CheckField, IconButton, SelectField, Stack, TextField } from '@/ui';
import { text } from './FormDialog';
import { LoadedCard, useSaving } from './LoadedCard';
import { changePolicy, fetchPolicy } from './policy-api';
import { RuleBooksCard } from './RuleBooksCard';
import css from './setup.module.css';
import { useMayManage } from './use-may-manage';

const DAYS: { value: Day; label: string }[] = [
  { value: 'mon', label: 'Mon' },
  { value: 'tue', label: 'Tue' },
  { value: 'wed', label: 'Wed' },
  { value: 'thu', label: 'Thu' },
  { value: 'fri', label: 'Fri' },
  { value: 'sat', label: 'Sat' },
  { value: 'sun', label: 'Sun' },
];

const PERIODS: { value: CapPeriod; label: string }[] = [
  { value: 'day', label: 'In 24 hours' },
  { value: 'week', label: 'In 7 days' },
  { value: 'month', label: 'In 30 days' },
];

/** When and how often promotional messages may leave: the workspace's own rules, and the rule books in force. */
export function PolicySection() {
  const query = useQuery({ queryKey: keys.policy, queryFn: ({ signal }) => fetchPolicy(signal) });
  return (
    <Stack>
      <LoadedCard title="Quiet times and caps" query={query}>
        {(policy) => <PolicyForm key={JSON.stringify(policy)} policy={policy} />}
      </LoadedCard>
      <RuleBooksCard />
    </Stack>
  );
}

function PolicyForm({ policy }: { policy: Policy }) {
  const cache = useQueryClient();
  const mayManage = useMayManage();
  const [spans, setSpans] = useState(policy.quiet_spans);
  const [busy, saving] = useSaving('Policy saved');
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    saving(async () => {
      const saved = await changePolicy({
        quiet_hours: { start: text(form, 'start'), end: text(form, 'end') },
        quiet_spans: spans,
        caps: PERIODS.flatMap(({ value }) => {
          const messages = text(form, `cap-${value}`);
          return messages === '' ? [] : [{ period: value, messages: Number(messages) }];
        }),
        at_cap: text(form, 'at_cap') as Policy['at_cap'],
      });
      cache.setQueryData(keys.policy, saved);
      await cache.invalidateQueries({ queryKey: keys.me });
    });
  };
  return (
    <Card
      title="Quiet times and caps"
      description={`Promotional messages leave: ${policy.open_hours}, by the clock of each recipient. Answers to customers are never held.`}
    >
      <form onSubmit={submit}>
        <fieldset className={css.bare} disabled={!mayManage}>
          <Stack>
            <div className={css.two}>
              <TextField
                label="Quiet every night from"
                description="Nothing promotional leaves from then on."
                name="start"
                type="time"
                defaultValue={policy.quiet_hours.start}
              />
              <TextField
                label="Quiet until"
                description="What waited leaves then. The same time twice: no quiet nights."
                name="end"
                type="time"
                defaultValue={policy.quiet_hours.end}
              />
            </div>
            {spans.map((span, index) => (
              <SpanRow
                key={index}
                span={span}
                onChange={(changed) =>
                  setSpans(spans.map((each, at) => (at === index ? changed : each)))
                }
                onRemove={() => setSpans(spans.filter((_, at) => at !== index))}
              />
            ))}
            <div>
              <Button
                emphasis="secondary"
                size="xs"
                leftSection={<IconPlus size={14} />}
                onClick={() =>
                  setSpans([...spans, { days: ['sun'], start: '00:00', end: '24:00' }])
                }
                data-testid="span-add"
              >
                Add a quiet time on certain days
              </Button>
            </div>
            <div className={css.three}>
              {PERIODS.map(({ value, label }) => (
                <TextField
                  key={value}
                  label={label}
                  description="Most promotions to one person; empty: no cap."
                  name={`cap-${value}`}
                  type="number"
                  min={1}
                  max={100}
                  defaultValue={policy.caps.find((cap) => cap.period === value)?.messages ?? ''}
                />
              ))}
            </div>
            <SelectField
              label="A message above a cap"
              description="Counted over all campaigns and channels, from the moment a cap is set."
              name="at_cap"
              defaultValue={policy.at_cap}
              data={[
                { value: 'hold', label: 'waits until there is room again' },
                { value: 'suppress', label: 'is not sent' },
              ]}
            />
            {mayManage && (
              <div>
                <Button type="submit" loading={busy} data-testid="policy-save">
                  Save
                </Button>
              </div>
            )}
          </Stack>
        </fieldset>
      </form>
    </Card>
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
