import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { errorWords } from '@/api/errors';
import { keys } from '@/api/query-keys';
import type { BounceRules } from '@/api/text-types';
import { rebased, same } from '@/lib/changes';
import { useUnsaved } from '@/lib/unsaved';
import { Button, Card, Failure, Notice, notify, SkeletonRows, Stack, TextField } from '@/ui';
import css from './suppressions.module.css';
import { changeBounceRules, fetchBounceRules } from './suppressions-api';

/** When a number that bounces comes onto the list by itself. */
export function BounceRulesCard() {
  const rules = useQuery({
    queryKey: keys.bounceRules,
    queryFn: ({ signal }) => fetchBounceRules(signal),
  });
  return (
    <Card
      title="Numbers that bounce"
      description="A bounce is a message that a carrier could not deliver because of the number itself."
    >
      {rules.isError && <Failure error={rules.error} onRetry={() => void rules.refetch()} />}
      {rules.isPending && <SkeletonRows rows={2} />}
      {rules.data !== undefined && <Editor rules={rules.data} />}
    </Card>
  );
}

const list = (codes: string) => codes.split(/[\s,;]+/).filter((code) => code !== '');

function Editor({ rules }: { rules: BounceRules }) {
  const cache = useQueryClient();
  // What the fields began with, so that only what was changed here is written.
  const [before, setBefore] = useState(rules);
  const [after, setAfter] = useState(String(rules.after));
  const [days, setDays] = useState(String(rules.within_days));
  const [hard, setHard] = useState(rules.hard_codes.join(', '));
  const [soft, setSoft] = useState(rules.soft_codes.join(', '));
  const typed: BounceRules = {
    after: Number.parseInt(after, 10) || 0,
    within_days: Number.parseInt(days, 10) || 0,
    hard_codes: list(hard),
    soft_codes: list(soft),
  };
  const isSame =
    typed.after === before.after &&
    typed.within_days === before.within_days &&
    same(typed.hard_codes, before.hard_codes) &&
    same(typed.soft_codes, before.soft_codes);
  useUnsaved('What counts as a bounce', isSame ? 'saved' : 'unsaved');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const save = async () => {
    setBusy(true);
    setProblem(null);
    try {
      const saved = await changeBounceRules(rebased(before, typed, await fetchBounceRules()));
      setBefore(saved);
      // What was typed while it was saved stays.
      const put = (sent: string, stored: string) => (now: string) => (now === sent ? stored : now);
      setAfter(put(after, String(saved.after)));
      setDays(put(days, String(saved.within_days)));
      setHard(put(hard, saved.hard_codes.join(', ')));
      setSoft(put(soft, saved.soft_codes.join(', ')));
      cache.setQueryData(keys.bounceRules, saved);
      notify.done('Saved');
    } catch (error) {
      setProblem(errorWords(error).message);
    }
    setBusy(false);
  };
  return (
    <Stack gap={12}>
      <div className={css.two}>
        <TextField
          label="Onto the list after"
          description="bounces; 0 is never"
          type="number"
          min={0}
          max={100}
          value={after}
          onChange={(event) => setAfter(event.currentTarget.value)}
        />
        <TextField
          label="Within"
          description="days"
          type="number"
          min={1}
          max={365}
          value={days}
          onChange={(event) => setDays(event.currentTarget.value)}
        />
        <TextField
          label="Codes that count too"
          description="As your providers write them."
          value={hard}
          onChange={(event) => setHard(event.currentTarget.value)}
        />
        <TextField
          label="Codes that never count"
          description="Such as that of a phone that is switched off."
          value={soft}
          onChange={(event) => setSoft(event.currentTarget.value)}
        />
      </div>
      {problem !== null && (
        <Notice tone="bad" live="alert">
          {problem}
        </Notice>
      )}
      <div>
        <Button
          emphasis="secondary"
          loading={busy}
          onClick={() => void save()}
          data-testid="bounces-save"
        >
          Save
        </Button>
      </div>
    </Stack>
  );
}
