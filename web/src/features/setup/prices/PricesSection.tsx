import { IconPlus } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import type { RateCard } from '@/api/price-types';
import { keys } from '@/api/query-keys';
import type { CampaignSettings } from '@/api/types';
import { changesOf } from '@/lib/changes';
import {
  Button,
  Card,
  ConfirmDialog,
  DataTable,
  Dialog,
  Failure,
  Row,
  SelectField,
  SkeletonRows,
  Stack,
  Tag,
  TextField,
  type Tone,
} from '@/ui';
import { text } from '../FormDialog';
import { LoadedCard, useSaving } from '../LoadedCard';
import { changeCampaignSettings, fetchCampaignSettings } from '../texts-api';
import { useMayManage } from '../use-may-manage';
import { fetchRateCards, removeRateCard } from './api';
import { ImportDialog } from './ImportDialog';
import {
  byMarket,
  categoryWords,
  dayIn,
  isMadeUp,
  price,
  standings,
  type Standing,
} from './standing';
import { VolumesCard } from './VolumesCard';
import css from '../setup.module.css';

const WORDS: Record<Standing, { label: string; tone: Tone }> = {
  valid: { label: 'Counts now', tone: 'good' },
  later: { label: 'Counts later', tone: 'info' },
  earlier: { label: 'Counted before', tone: 'neutral' },
  made_up: { label: 'Not used', tone: 'neutral' },
};

/** What WhatsApp charges, by day, and what ends a stop of marketing. */
export function PricesSection() {
  const settings = useQuery({
    queryKey: keys.campaignSettings,
    queryFn: ({ signal }) => fetchCampaignSettings(signal),
  });
  return (
    <Stack>
      <Lists zone={settings.data?.price_zone ?? 'UTC'} />
      <VolumesCard />
      <LoadedCard title="Days and stops" query={settings}>
        {(loaded) => <Rules loaded={loaded} />}
      </LoadedCard>
    </Stack>
  );
}

function Lists({ zone }: { zone: string }) {
  const cache = useQueryClient();
  const mayManage = useMayManage();
  const [taking, setTaking] = useState<'yes' | 'no'>('no');
  const [shown, setShown] = useState<RateCard | null>(null);
  const [removing, setRemoving] = useState<RateCard | null>(null);
  const [now] = useState(() => Date.now());
  const query = useQuery({
    queryKey: keys.rateCards,
    queryFn: ({ signal }) => fetchRateCards(signal),
  });
  const cards = query.data?.data ?? [];
  const standing = standings(cards, dayIn(zone, now));
  const refresh = () => cache.invalidateQueries({ queryKey: keys.rateCards });
  return (
    <Card
      padding="none"
      title="Price lists"
      description="What WhatsApp charges for a message, by market and category. Forecasts of campaigns count with the list of the day. Take the platform’s newest in before it begins."
      aside={
        mayManage && (
          <Button
            leftSection={<IconPlus size={16} />}
            onClick={() => setTaking('yes')}
            data-testid="price-new"
          >
            Take in a list
          </Button>
        )
      }
    >
      {query.isPending && <SkeletonRows rows={2} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {cards.length > 0 && (
        <DataTable
          label="Price lists"
          rows={cards.map((card, index) => ({ card, standing: standing[index] ?? 'earlier' }))}
          rowKey={({ card }) => `${card.valid_from} ${card.currency} ${card.name}`}
          rowTestId="price-list"
          columns={[
            { key: 'name', title: 'List', render: ({ card }) => card.name },
            { key: 'from', title: 'From', render: ({ card }) => card.valid_from },
            { key: 'currency', title: 'Currency', render: ({ card }) => card.currency },
            {
              key: 'count',
              title: 'Prices',
              align: 'end',
              priority: 'wide',
              render: ({ card }) => card.rates.length,
            },
            {
              key: 'standing',
              title: 'Today',
              render: (row) => (
                <Tag tone={WORDS[row.standing].tone} dot="dot">
                  {WORDS[row.standing].label}
                </Tag>
              ),
            },
            {
              key: 'act',
              title: 'What to do',
              render: ({ card }) => (
                <Row>
                  <Button
                    emphasis="quiet"
                    size="xs"
                    aria-label={`Show the prices of ${card.name}`}
                    onClick={() => setShown(card)}
                    data-testid="price-show"
                  >
                    Show
                  </Button>
                  {mayManage && !isMadeUp(card) && (
                    <Button
                      emphasis="quiet"
                      size="xs"
                      aria-label={`Remove ${card.name}`}
                      onClick={() => setRemoving(card)}
                      data-testid="price-remove"
                    >
                      Remove
                    </Button>
                  )}
                </Row>
              ),
            },
          ]}
        />
      )}
      {taking === 'yes' && <ImportDialog onClose={() => setTaking('no')} onDone={refresh} />}
      {shown !== null && (
        <Dialog
          title={shown.name}
          onClose={() => setShown(null)}
          size="lg"
          testId="price-list-dialog"
        >
          <Prices card={shown} />
        </Dialog>
      )}
      {removing !== null && (
        <ConfirmDialog
          title={`Remove “${removing.name}”?`}
          confirmLabel="Remove"
          onClose={() => setRemoving(null)}
          onConfirm={async () => {
            await removeRateCard(removing);
            await refresh();
          }}
        >
          Forecasts and charges of the days from {removing.valid_from} on count with the list before
          it.
        </ConfirmDialog>
      )}
    </Card>
  );
}

function Prices({ card }: { card: RateCard }) {
  const { categories, rows } = byMarket(card);
  return (
    <DataTable
      label={`Price of one message in ${card.currency}`}
      rows={rows}
      rowKey={(row) => row.market}
      columns={[
        { key: 'market', title: 'Market', render: (row) => row.market },
        ...categories.map((category) => ({
          key: category,
          title: categoryWords(category),
          align: 'end' as const,
          render: (row: (typeof rows)[number]) => {
            const found = row.prices.get(category);
            return (
              <>
                {price(found?.first ?? null, card.currency)}
                {found?.tiers.map((tier) => (
                  <div
                    className={`${css.tier} ${css.tierPrice}`}
                    key={tier.from}
                    data-testid="price-tier"
                  >
                    from {tier.from.toLocaleString()}: {price(tier.thousandths, card.currency)}
                  </div>
                ))}
              </>
            );
          },
        })),
      ]}
    />
  );
}

function Rules({ loaded }: { loaded: CampaignSettings }) {
  const cache = useQueryClient();
  const mayManage = useMayManage();
  // What the fields began with: only what differs from it is sent, and what a colleague saves takes nothing away.
  const [settings, setSettings] = useState(loaded);
  const [round, setRound] = useState(0);
  const [busy, saving] = useSaving('Settings saved');
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    saving(async () => {
      const after = {
        ...settings,
        price_zone: text(form, 'price_zone'),
        brake_ends: text(form, 'brake_ends') as CampaignSettings['brake_ends'],
      };
      const saved = await changeCampaignSettings(changesOf(settings, after));
      cache.setQueryData(keys.campaignSettings, saved);
      setSettings(saved);
      setRound(round + 1);
    });
  };
  return (
    <Card title="Days and stops">
      <form key={round} onSubmit={submit}>
        <Stack gap={12}>
          <TextField
            label="Time zone of the account"
            description="As set for the business account in WhatsApp Manager, such as Europe/Berlin. A price list, and the month that tiers count, begin at midnight there."
            name="price_zone"
            required
            withAsterisk={false}
            defaultValue={settings.price_zone}
            disabled={!mayManage}
            data-testid="price-zone"
          />
          <SelectField
            label="Marketing that was stopped for its quality goes on"
            description="Segue stops marketing of a number or template when WhatsApp rates it RED."
            name="brake_ends"
            defaultValue={settings.brake_ends}
            disabled={!mayManage}
            data={[
              { value: 'quality', label: 'By itself, when the quality is back' },
              { value: 'person', label: 'When an admin lets it' },
            ]}
            data-testid="brake-ends"
          />
          {mayManage && (
            <Row>
              <Button type="submit" loading={busy} data-testid="price-rules-save">
                Save
              </Button>
            </Row>
          )}
        </Stack>
      </form>
    </Card>
  );
}
