import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { errorWords } from '@/api/errors';
import { keys } from '@/api/query-keys';
import type { LocaleText, OptOutLine } from '@/api/text-types';
import type { CampaignSettings } from '@/api/types';
import { rebased, same } from '@/lib/changes';
import { useUnsaved } from '@/lib/unsaved';
import {
  Button,
  Card,
  Failure,
  Notice,
  notify,
  Row,
  SelectField,
  SkeletonRows,
  Stack,
  TextField,
} from '@/ui';
import { changeCampaignSettings, fetchCampaignSettings } from './texts-api';
import { useMayManage } from './use-may-manage';

const WHEN: { value: OptOutLine['when']; label: string }[] = [
  { value: 'every', label: 'To every campaign text that does not say it' },
  { value: 'first', label: 'To the first campaign text of each person' },
  { value: 'never', label: 'Never; authors write it themselves' },
];

/** The line that tells people how to stop, and when it is added. */
export function OptOutLineCard() {
  const settings = useQuery({
    queryKey: keys.campaignSettings,
    queryFn: ({ signal }) => fetchCampaignSettings(signal),
  });
  return (
    <Card
      title="Opt-out line"
      description="Carriers ask every promotional text to say how to stop. Segue can add the line where a text lacks it; it counts in the segments and is shown in the preview. Campaigns that have been started keep the line they were started with."
    >
      {settings.isError && (
        <Failure error={settings.error} onRetry={() => void settings.refetch()} />
      )}
      {settings.isPending && <SkeletonRows rows={3} />}
      {settings.data !== undefined && <Editor settings={settings.data} />}
    </Card>
  );
}

function Editor({ settings }: { settings: CampaignSettings }) {
  const cache = useQueryClient();
  const mayManage = useMayManage();
  // What the fields began with, so that only what was changed here is written.
  const [before, setBefore] = useState(settings.opt_out_line);
  const [line, setLine] = useState(before);
  useUnsaved('The opt-out line', same(line, before) ? 'saved' : 'unsaved');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const change = (part: Partial<OptOutLine>) => setLine({ ...line, ...part });
  const save = async () => {
    setBusy(true);
    setProblem(null);
    try {
      const now = await fetchCampaignSettings();
      const saved = await changeCampaignSettings({
        opt_out_line: rebased(before, line, now.opt_out_line),
      });
      cache.setQueryData(keys.campaignSettings, saved);
      setBefore(saved.opt_out_line);
      // What was typed while it was saved stays.
      setLine((typed) => rebased(line, typed, saved.opt_out_line));
      notify.done('Opt-out line saved');
    } catch (error) {
      setProblem(errorWords(error).message);
    }
    setBusy(false);
  };
  return (
    <Stack gap={12}>
      <SelectField
        label="Add the line"
        value={line.when}
        data={WHEN}
        disabled={!mayManage}
        onChange={(event) => change({ when: event.currentTarget.value as OptOutLine['when'] })}
        data-testid="opt-out-when"
      />
      {line.when !== 'never' && (
        <>
          <TextField
            label="Line"
            description="Has to name a word that ends the messages, such as STOP."
            value={line.text}
            maxLength={100}
            disabled={!mayManage}
            onChange={(event) => change({ text: event.currentTarget.value })}
            data-testid="opt-out-text"
          />
          <LineLanguages
            texts={line.texts}
            disabled={!mayManage}
            onChange={(texts) => change({ texts })}
          />
        </>
      )}
      <TextField
        label="Line of texts from a name"
        description="Nobody can answer a name, so this is added to each of its texts: a link, an address or a number by which people can end it. Empty: none."
        placeholder="End: example.com/stop"
        value={line.unanswerable}
        maxLength={100}
        disabled={!mayManage}
        onChange={(event) => change({ unanswerable: event.currentTarget.value })}
        data-testid="opt-out-unanswerable"
      />
      {line.unanswerable.trim() !== '' && (
        <LineLanguages
          texts={line.unanswerable_texts}
          disabled={!mayManage}
          onChange={(unanswerable_texts) => change({ unanswerable_texts })}
        />
      )}
      {problem !== null && (
        <Notice tone="bad" live="alert">
          {problem}
        </Notice>
      )}
      {mayManage && (
        <div>
          <Button
            loading={busy}
            disabled={same(line, before)}
            onClick={() => void save()}
            data-testid="opt-out-save"
          >
            Save
          </Button>
        </div>
      )}
    </Stack>
  );
}

interface LineLanguagesProps {
  texts: LocaleText[];
  disabled: boolean;
  onChange: (texts: LocaleText[]) => void;
}

/** A line in other languages. */
function LineLanguages({ texts, disabled, onChange }: LineLanguagesProps) {
  const set = (place: number, part: Partial<LocaleText>) =>
    onChange(texts.map((each, at) => (at === place ? { ...each, ...part } : each)));
  return (
    <>
      {texts.map((each, place) => (
        <Row key={place}>
          <TextField
            aria-label="Language"
            placeholder="de"
            value={each.locale}
            disabled={disabled}
            onChange={(event) => set(place, { locale: event.currentTarget.value })}
          />
          <TextField
            aria-label={`Line for ${each.locale}`}
            value={each.body}
            maxLength={100}
            disabled={disabled}
            onChange={(event) => set(place, { body: event.currentTarget.value })}
          />
          {!disabled && (
            <Button
              emphasis="quiet"
              size="xs"
              onClick={() => onChange(texts.filter((_, at) => at !== place))}
            >
              Remove
            </Button>
          )}
        </Row>
      ))}
      {!disabled && (
        <div>
          <Button
            emphasis="secondary"
            size="xs"
            onClick={() => onChange([...texts, { locale: '', body: '' }])}
          >
            Add a language
          </Button>
        </div>
      )}
    </>
  );
}
