import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { keys } from '@/api/query-keys';
import type { ConsentSettings, KeywordFamily, TextReading } from '@/api/types';
import { rebased, same } from '@/lib/changes';
import { useUnsaved } from '@/lib/unsaved';
import {
  Button,
  Card,
  CheckField,
  Failure,
  Notice,
  notify,
  SelectField,
  SkeletonRows,
  Stack,
  Tag,
  TextArea,
  TextField,
} from '@/ui';
import { checkLedger, fetchSettings, readText, saveSettings } from './api';
import css from './consent.module.css';
import { useMayManage } from './use-sources';

const FAMILIES: { value: KeywordFamily; label: string }[] = [
  { value: 'stop', label: 'STOP' },
  { value: 'start', label: 'START' },
  { value: 'help', label: 'HELP' },
];

export function SettingsSection() {
  const query = useQuery({
    queryKey: keys.consentSettings,
    queryFn: ({ signal }) => fetchSettings(signal),
  });
  return (
    <Stack>
      {query.data === undefined ? (
        <Card>
          {query.isError ? (
            <Failure error={query.error} onRetry={() => void query.refetch()} />
          ) : (
            <SkeletonRows rows={6} />
          )}
        </Card>
      ) : (
        <SettingsForm settings={query.data} />
      )}
      <TryCard />
      <LedgerCard />
    </Stack>
  );
}

type Rules = ConsentSettings['rules'];

/** `es stop: alto ya` and so on, one word a line. */
function wordLines(rules: Rules): string {
  return rules.extra_words
    .map((each) => `${each.language} ${each.keyword}: ${each.word}`)
    .join('\n');
}

function parseWords(text: string): Rules['extra_words'] | string {
  const words: Rules['extra_words'] = [];
  for (const line of text.split('\n').filter((each) => each.trim() !== '')) {
    const match = /^\s*([A-Za-z-]+)\s+(stop|start|help)\s*:\s*(.+?)\s*$/i.exec(line);
    if (match === null) return line.trim();
    const [, language = '', family = '', word = ''] = match;
    words.push({ language, keyword: family.toLowerCase() as KeywordFamily, word });
  }
  return words;
}

function SettingsForm({ settings }: { settings: ConsentSettings }) {
  const cache = useQueryClient();
  const mayManage = useMayManage();
  // What the fields began with, so that only what was changed here is written.
  const [before, setBefore] = useState(settings);
  const [draft, setDraft] = useState(settings);
  const [words, setWords] = useState(wordLines(settings.rules));
  const isSame = same(draft, before) && words === wordLines(before.rules);
  useUnsaved('The settings of opt-outs', isSame ? 'saved' : 'unsaved');
  const [language, setLanguage] = useState('');
  const [busy, setBusy] = useState(false);
  const parsed = parseWords(words);
  const languages = Object.keys(draft.rules.replies).sort();
  const setRules = (change: Partial<Rules>) =>
    setDraft({ ...draft, rules: { ...draft.rules, ...change } });
  const replies =
    language === ''
      ? { stop: draft.stop_reply, start: draft.start_reply, help: draft.help_reply }
      : (draft.rules.replies[language] ?? { stop: '', start: '', help: '' });
  const setReply = (family: KeywordFamily, text: string) =>
    language === ''
      ? setDraft({ ...draft, [`${family}_reply`]: text })
      : setRules({
          replies: { ...draft.rules.replies, [language]: { ...replies, [family]: text } },
        });
  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (typeof parsed === 'string') return;
    setBusy(true);
    try {
      const after = { ...draft, rules: { ...draft.rules, extra_words: parsed } };
      const saved = await saveSettings(rebased(before, after, await fetchSettings()));
      cache.setQueryData(keys.consentSettings, saved);
      setBefore(saved);
      // What was typed while it was saved stays.
      setDraft((typed) => rebased(draft, typed, saved));
      setWords((typed) => (typed === words ? wordLines(saved.rules) : typed));
      notify.done('Settings saved');
    } catch (error) {
      notify.failure(error);
    }
    setBusy(false);
  };
  return (
    <Card
      title="Opt-outs"
      description="How far a STOP reaches, which words count, and how they are answered."
    >
      <form onSubmit={(event) => void save(event)}>
        <fieldset className={css.plain} disabled={!mayManage}>
          <Stack gap={12}>
            {!mayManage && <Notice>Only admins change these settings.</Notice>}
            <div className={css.two}>
              <SelectField
                label="A STOP ends"
                description="All marketing is the strict reading of the law in the US from 2027 on."
                value={draft.rules.opt_out_scope}
                onChange={(event) =>
                  setRules({
                    opt_out_scope: event.currentTarget.value as Rules['opt_out_scope'],
                  })
                }
                data={[
                  { value: 'all', label: 'All marketing on all channels' },
                  { value: 'channel', label: 'Marketing on the channel it was said on' },
                  { value: 'sender', label: 'Marketing from the number it was said to' },
                  { value: 'programme', label: 'The programmes of that number' },
                ]}
                data-testid="opt-out-scope"
              />
              <TextField
                label="Name in answers"
                description="Stands for {brand}."
                value={draft.brand}
                onChange={(event) => setDraft({ ...draft, brand: event.currentTarget.value })}
              />
            </div>
            <SelectField
              label="Answers in"
              description="The language is that of the word; others get the workspace's own."
              value={language}
              onChange={(event) => setLanguage(event.currentTarget.value)}
              data={[
                { value: '', label: "The workspace's own language" },
                ...languages.map((tag) => ({ value: tag, label: languageName(tag) })),
              ]}
            />
            {FAMILIES.map((family) => (
              <TextArea
                key={family.value}
                label={`Answer to ${family.label}`}
                value={replies[family.value]}
                onChange={(event) => setReply(family.value, event.currentTarget.value)}
                rows={2}
                autosize
              />
            ))}
            <fieldset className={css.choices}>
              <legend>Send no answer to</legend>
              {FAMILIES.map((family) => (
                <CheckField
                  key={family.value}
                  label={family.label}
                  checked={draft.rules.silent.includes(family.value)}
                  onChange={(event) =>
                    setRules({
                      silent: event.currentTarget.checked
                        ? [...draft.rules.silent, family.value]
                        : draft.rules.silent.filter((each) => each !== family.value),
                    })
                  }
                />
              ))}
            </fieldset>
            <TextArea
              label="More words"
              description="One a line: language, family, word. For example: sv stop: sluta"
              value={words}
              onChange={(event) => setWords(event.currentTarget.value)}
              error={typeof parsed === 'string' ? `“${parsed}” cannot be read.` : null}
              rows={3}
              autosize
            />
            <TextField
              label="Most words of one number"
              value={String(draft.rules.keyword_quota)}
              onChange={(event) =>
                setRules({ keyword_quota: Number(event.currentTarget.value) || 0 })
              }
              inputMode="numeric"
            />
            {mayManage && (
              <div>
                <Button
                  type="submit"
                  loading={busy}
                  disabled={typeof parsed === 'string'}
                  data-testid="consent-settings-save"
                >
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

function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames(['en'], { type: 'language' }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

const VERDICTS = {
  revoke: { label: 'Opt-out, obeyed at once', tone: 'bad' },
  review: { label: 'Goes to review; marketing waits', tone: 'warn' },
  no: { label: 'No opt-out', tone: 'good' },
} as const;

/** Shows how a text would be read, and why. */
function TryCard() {
  const [reading, setReading] = useState<TextReading | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setBusy(true);
    try {
      setReading(await readText(String(new FormData(event.currentTarget).get('text') ?? '')));
    } catch (error) {
      notify.failure(error);
    }
    setBusy(false);
  };
  const verdict = reading === null ? null : VERDICTS[reading.reading.verdict];
  return (
    <Card title="Try a text" description="How would it be read? Nothing is recorded.">
      <form className={css.try} onSubmit={(event) => void submit(event)}>
        <TextField
          label="Text of a customer"
          name="text"
          required
          withAsterisk={false}
          data-testid="try-text"
        />
        <Button type="submit" emphasis="secondary" loading={busy} data-testid="try-read">
          Read it
        </Button>
      </form>
      <div className={css.result} role="status" data-testid="try-result">
        {reading !== null && reading.keyword !== null && (
          <p>
            <Tag tone={reading.keyword === 'stop' ? 'bad' : 'info'}>
              The keyword {reading.keyword.toUpperCase()} ({reading.language})
            </Tag>
          </p>
        )}
        {reading !== null && reading.keyword === null && verdict !== null && (
          <>
            <p>
              <Tag tone={verdict.tone}>{verdict.label}</Tag>
            </p>
            {reading.reading.said.length > 0 && (
              <p>Because of: {reading.reading.said.map((each) => `“${each.words}”`).join(', ')}</p>
            )}
            {reading.reading.innocent.length > 0 && (
              <p>
                Left out as innocent:{' '}
                {reading.reading.innocent.map((each) => `“${each.words}”`).join(', ')}
              </p>
            )}
          </>
        )}
      </div>
    </Card>
  );
}

/** Recomputes the chain of the ledger on request. */
function LedgerCard() {
  const query = useQuery({
    queryKey: ['consent-ledger-check'],
    queryFn: ({ signal }) => checkLedger(signal),
    enabled: false,
  });
  const found = query.data;
  return (
    <Card
      title="Ledger"
      description="Every entry carries the hash of the one before it, so a later change shows."
      aside={
        <Button
          emphasis="secondary"
          size="xs"
          loading={query.isFetching}
          onClick={() => void query.refetch()}
          data-testid="ledger-check"
        >
          Check now
        </Button>
      }
    >
      <div role="status" data-testid="ledger-result">
        {query.isError && <Failure error={query.error} />}
        {found !== undefined && found.broken_at === null && (
          <Notice tone="good">
            All {found.entries.toLocaleString()} entries are as they were written.
          </Notice>
        )}
        {found !== undefined && found.broken_at !== null && (
          <Notice tone="bad">
            Entry {found.broken_at.toLocaleString()} is not as it was written. Restore a backup and
            find out who had access to the database.
          </Notice>
        )}
      </div>
    </Card>
  );
}
