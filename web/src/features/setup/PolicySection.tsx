import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import type { Policy } from '@/api/policy-types';
import { keys } from '@/api/query-keys';
import { PERIODS } from '@/lib/caps';
import { changesOf } from '@/lib/changes';
import { useUnsaved } from '@/lib/unsaved';
import { Button, Card, SelectField, Stack, TextField } from '@/ui';
import { text } from './FormDialog';
import { LabelCaps } from './LabelCaps';
import { LoadedCard, useSaving } from './LoadedCard';
import { changePolicy, fetchPolicy } from './policy-api';
import { QuietSpans } from './QuietSpans';
import { RuleBooksCard } from './RuleBooksCard';
import css from './setup.module.css';
import { useMayManage } from './use-may-manage';

/** When and how often promotional messages may leave: the workspace's own rules, and the rule books in force. */
export function PolicySection() {
  const query = useQuery({ queryKey: keys.policy, queryFn: ({ signal }) => fetchPolicy(signal) });
  return (
    <Stack>
      <LoadedCard title="Quiet times and caps" query={query}>
        {(policy) => <PolicyForm policy={policy} />}
      </LoadedCard>
      <RuleBooksCard />
    </Stack>
  );
}

const inOrder = (caps: Policy['caps']) =>
  PERIODS.flatMap(({ value }) => caps.filter((cap) => cap.period === value));

function PolicyForm({ policy: loaded }: { policy: Policy }) {
  const cache = useQueryClient();
  const mayManage = useMayManage();
  // What the fields began with: only what differs from it is sent, and what a colleague saves takes nothing away.
  const [policy, setPolicy] = useState(loaded);
  const [round, setRound] = useState(0);
  const [spans, setSpans] = useState(policy.quiet_spans);
  const [labels, setLabels] = useState(policy.label_caps);
  const before = { ...policy, caps: inOrder(policy.caps) };
  /** The same fields as the form has them, without what is beside it. */
  const written = (form: FormData) => ({
    quiet_hours: { start: text(form, 'start'), end: text(form, 'end') },
    caps: PERIODS.flatMap(({ value }) => {
      const messages = text(form, `cap-${value}`);
      return messages === '' ? [] : [{ period: value, messages: Number(messages) }];
    }),
    at_cap: text(form, 'at_cap') as Policy['at_cap'],
    at_quiet_hours: text(form, 'at_quiet_hours') as Policy['at_quiet_hours'],
  });
  const changed = (fields: Partial<Policy>) =>
    changesOf(before, { ...before, ...fields, quiet_spans: spans, label_caps: labels });
  const [fields, setFields] = useState<Partial<Policy>>({});
  const isSame = Object.keys(changed(fields)).length === 0;
  useUnsaved('The policy', isSame ? 'saved' : 'unsaved');
  const [busy, saving] = useSaving('Policy saved');
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    saving(async () => {
      const saved = await changePolicy(changed(written(form)));
      cache.setQueryData(keys.policy, saved);
      setPolicy(saved);
      setFields({});
      setSpans(saved.quiet_spans);
      setLabels(saved.label_caps);
      setRound(round + 1);
      await cache.invalidateQueries({ queryKey: keys.me });
    });
  };
  return (
    <Card
      title="Quiet times and caps"
      description={`Promotional messages leave: ${loaded.open_hours}, by the clock of each recipient. Answers to customers are never held.`}
    >
      <form
        key={round}
        onSubmit={submit}
        onChange={(event) => setFields(written(new FormData(event.currentTarget)))}
      >
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
            <QuietSpans spans={spans} onChange={setSpans} />
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
            <SelectField
              label="A message that falls into quiet hours"
              description="A campaign can say otherwise. Holds for the hours of senders and of the law as well."
              name="at_quiet_hours"
              defaultValue={policy.at_quiet_hours}
              data={[
                { value: 'hold', label: 'waits until they are over' },
                { value: 'discard', label: 'is discarded' },
              ]}
            />
            <LabelCaps caps={labels} onChange={setLabels} />
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
