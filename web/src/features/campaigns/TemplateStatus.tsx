import { useQuery, useQueryClient } from '@tanstack/react-query';
import { keys } from '@/api/query-keys';
import type { Campaign, MarketCost } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import { Button, Card, EmptyState, Failure, Notice, notify, SkeletonRows } from '@/ui';
import { fetchCharges, fetchLimits, resumeMarketing } from './api';
import css from './campaigns.module.css';
import { listMoney, unitPrice } from './money';

/** Why nothing of the campaign leaves now, and how much of the limit is used. */
export function HoldNotice({ campaign }: { campaign: Campaign }) {
  const cache = useQueryClient();
  const channelId = campaign.template?.channel_id ?? '';
  const limits = useQuery({
    queryKey: ['channels', channelId, 'limits', campaign.version, campaign.hold?.rule ?? ''],
    queryFn: ({ signal }) => fetchLimits(channelId, signal),
    enabled: channelId !== '',
    refetchInterval: 30_000,
  });
  const { hold } = campaign;
  const resume = async (template: string) => {
    try {
      await resumeMarketing(channelId, template);
      notify.done('Marketing goes on');
      void cache.invalidateQueries({ queryKey: keys.campaign(campaign.id) });
      void limits.refetch();
    } catch (error) {
      notify.failure(error);
    }
  };
  return (
    <>
      {hold !== null && (
        <div className={css.attention}>
          <Notice tone="warn" title="It is held" live="status">
            <span data-testid="campaign-hold" data-rule={hold.rule}>
              {hold.reason}
            </span>{' '}
            Held since {formatDateTime(hold.since)}
            {hold.until !== null && `; tried again at ${formatDateTime(hold.until)}`}.
            {hold.rule === 'messaging_limit' && limits.data !== undefined && (
              <>
                {' '}
                {limits.data.used.toLocaleString()} of{' '}
                {limits.data.most?.toLocaleString() ?? 'any number of'} customers in 24 hours.
              </>
            )}
          </Notice>
        </div>
      )}
      {limits.data?.brakes.map((brake) => (
        <div className={css.attention} key={brake.template} data-testid="marketing-brake">
          <Notice
            tone="warn"
            title={
              brake.template === ''
                ? 'Marketing from this number is stopped'
                : `Marketing with ${brake.template} is stopped`
            }
          >
            {brake.reason} Service messages go on.{' '}
            <Button emphasis="secondary" onClick={() => void resume(brake.template)}>
              Let it go on
            </Button>
          </Notice>
        </div>
      ))}
    </>
  );
}

/** Costs by market. */
export function Markets({ markets, currency }: { markets: MarketCost[]; currency: string }) {
  return (
    <ul className={css.reasons}>
      {markets.map((market, place) => (
        <li key={`${market.market} ${market.category} ${place}`}>
          <div>
            {market.market}, {market.category === '' ? 'no category told' : market.category}:{' '}
            {market.messages.toLocaleString()}
            {market.free > 0 && ` (${market.free.toLocaleString()} free)`}
            <MarketParts market={market} currency={currency} />
          </div>
          <strong>
            {market.price_thousandths === null && market.free < market.messages
              ? 'no price'
              : listMoney(market.total, currency)}
          </strong>
        </li>
      ))}
    </ul>
  );
}

/** Which of the messages have which price, and which are free and why. */
function MarketParts({ market, currency }: { market: MarketCost; currency: string }) {
  const { next_tier: next, so_far: soFar } = market;
  return (
    <>
      {market.tiers.length + market.free_reasons.length > 1 &&
        market.tiers.map((tier) => (
          <div className={css.part} key={tier.from} data-testid="market-tier">
            {tier.messages.toLocaleString()} at {unitPrice(tier.price_thousandths, currency)}
            {tier.from > 1 && `, the tier from message ${tier.from.toLocaleString()}`}
          </div>
        ))}
      {market.free_reasons.map((free) => (
        <div className={css.part} key={free.reason} data-testid="market-free">
          {free.messages.toLocaleString()} free: {free.words}
        </div>
      ))}
      {soFar !== null && (
        <div className={css.part} data-testid="market-so-far">
          {soFar.toLocaleString()} were charged this month before
          {next !== null &&
            `; after these, ${next.missing.toLocaleString()} more until ${unitPrice(next.price_thousandths, currency)}`}
        </div>
      )}
    </>
  );
}

/** What WhatsApp charged the messages as. */
export function ChargesCard({ campaign }: { campaign: Campaign }) {
  const charges = useQuery({
    queryKey: ['campaigns', campaign.id, 'charges'],
    queryFn: ({ signal }) => fetchCharges(campaign.id, signal),
    refetchInterval: 30_000,
  });
  return (
    <Card title="Charged by WhatsApp">
      {charges.isError && <Failure error={charges.error} onRetry={() => void charges.refetch()} />}
      {charges.isPending && <SkeletonRows rows={2} height={24} />}
      {charges.data !== undefined &&
        (charges.data.messages === 0 ? (
          <EmptyState title="WhatsApp has told no charge yet" />
        ) : (
          <>
            <p data-testid="campaign-charged">
              <strong>{listMoney(charges.data.total, charges.data.currency)}</strong> for{' '}
              {charges.data.messages.toLocaleString()} messages, by {charges.data.price_list}
            </p>
            <Markets markets={charges.data.markets} currency={charges.data.currency} />
          </>
        ))}
    </Card>
  );
}
