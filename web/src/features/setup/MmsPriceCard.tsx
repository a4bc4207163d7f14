import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { errorWords } from '@/api/errors';
import { keys } from '@/api/query-keys';
import type { CampaignSettings } from '@/api/types';
import { Button, Card, Notice, notify, Row, Stack, TextField } from '@/ui';
import { amountText, minorOf } from './account-prices';
import { LoadedCard } from './LoadedCard';
import { changeCampaignSettings, fetchCampaignSettings } from './texts-api';
import { useMayManage } from './use-may-manage';

const TITLE = 'Price of messages with files';

/** What a message with pictures or files costs, for the check before a campaign starts. */
export function MmsPriceCard() {
  const settings = useQuery({
    queryKey: keys.campaignSettings,
    queryFn: ({ signal }) => fetchCampaignSettings(signal),
  });
  return (
    <LoadedCard title={TITLE} query={settings}>
      {(loaded) => <Price settings={loaded} />}
    </LoadedCard>
  );
}

function Price({ settings }: { settings: CampaignSettings }) {
  const cache = useQueryClient();
  const mayManage = useMayManage();
  const { currency, mms_price } = settings;
  // What is typed, and what was stored when that began; nothing is typed until then.
  const [edit, setEdit] = useState<{ text: string; before: number | null } | null>(null);
  const stored = mms_price === null ? '' : amountText(mms_price, currency);
  const price = edit?.text ?? stored;
  const changed = edit !== null && edit.before !== mms_price;
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState<'idle' | 'saving'>('idle');
  const save = async () => {
    const read = price.trim() === '' ? null : minorOf(price, currency);
    if (read === null && price.trim() !== '') {
      setProblem(`Write an amount such as ${amountText(2000, currency)}, or nothing.`);
      return;
    }
    setBusy('saving');
    setProblem(null);
    try {
      const saved = await changeCampaignSettings({ mms_price: read });
      cache.setQueryData(keys.campaignSettings, saved);
      // What was typed while it was saved stays.
      setEdit((now) =>
        now === null || now.text === price ? null : { ...now, before: saved.mms_price },
      );
      notify.done('Price saved');
    } catch (error) {
      setProblem(errorWords(error).message);
    }
    setBusy('idle');
  };
  return (
    <Card title={TITLE}>
      <Stack gap={12}>
        <TextField
          label={`Price of 1,000 MMS in ${currency}`}
          description="What your provider charges for messages with pictures or files, wherever they go. The check before the start counts with it. Empty: not known."
          value={price}
          disabled={!mayManage}
          error={problem}
          onChange={(event) => {
            setProblem(null);
            setEdit({
              text: event.currentTarget.value,
              before: edit === null ? mms_price : edit.before,
            });
          }}
          data-testid="mms-price"
        />
        {changed && (
          <Notice
            tone="warn"
            live="status"
            title="Somebody else has changed the price meanwhile"
            action={
              <Button
                size="xs"
                emphasis="secondary"
                onClick={() => {
                  setEdit(null);
                  setProblem(null);
                }}
              >
                Take theirs
              </Button>
            }
          >
            {stored === '' ? 'It is empty now.' : `It is ${stored} now.`} What you typed is kept;
            saving replaces theirs.
          </Notice>
        )}
        {mayManage && (
          <Row>
            <Button
              loading={busy === 'saving'}
              onClick={() => void save()}
              data-testid="mms-price-save"
            >
              Save
            </Button>
          </Row>
        )}
      </Stack>
    </Card>
  );
}
