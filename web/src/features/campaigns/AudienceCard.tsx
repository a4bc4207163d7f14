import { useQuery } from '@tanstack/react-query';
import { keys } from '@/api/query-keys';
import type { Campaign } from '@/api/types';
import { Card, Failure, Skeleton } from '@/ui';
import { fetchCampaignSettings, previewCampaign } from './api';
import css from './editor.module.css';
import { money } from './money';

/** How many would get the campaign now, and why the others would not. */
export function usePreview(campaign: Campaign) {
  return useQuery({
    queryKey: keys.preview(campaign.id, String(campaign.version)),
    queryFn: () => previewCampaign(campaign.id),
    placeholderData: (previous) => previous,
  });
}

interface AudienceCardProps {
  preview: ReturnType<typeof usePreview>;
  /** Whether each message carries files. */
  mms: boolean;
}

export function AudienceCard({ preview, mms }: AudienceCardProps) {
  const { data, isError, error, refetch } = preview;
  return (
    <Card title="Who gets it">
      {isError && <Failure error={error} onRetry={() => void refetch()} />}
      {!isError && data === undefined && <Skeleton height={96} />}
      {data !== undefined && (
        <div className={css.counts} data-testid="audience-preview">
          <div>
            <div className={css.sendable} data-testid="audience-sendable">
              {data.sendable.toLocaleString()}
            </div>
            <div className={css.muted}>of {data.audience.toLocaleString()} contacts</div>
          </div>
          {data.excluded.length > 0 && (
            <ul className={css.rules} aria-label="Excluded, by reason">
              {data.excluded.map((rule) => (
                <li key={rule.rule} data-testid={`excluded-${rule.rule}`}>
                  <span>{rule.label}</span>
                  <span>{rule.count.toLocaleString()}</span>
                </li>
              ))}
            </ul>
          )}
          {data.held.length > 0 && (
            <ul className={css.rules} aria-label="Waiting, by reason">
              {data.held.map((rule) => (
                <li key={rule.rule} data-testid={`held-${rule.rule}`}>
                  <span>Waits: {rule.label}</span>
                  <span>{rule.count.toLocaleString()}</span>
                </li>
              ))}
            </ul>
          )}
          {data.segments.max > 0 && mms && <MmsCount sendable={data.sendable} />}
          {data.segments.max > 0 && !mms && (
            <p className={css.muted}>
              {data.segments.min === data.segments.max
                ? `${data.segments.typical} SMS per person`
                : `${data.segments.min} to ${data.segments.max} SMS per person, mostly ${data.segments.typical}`}
              , about {(data.segments.typical * data.sendable).toLocaleString()} in all.
            </p>
          )}
        </div>
      )}
    </Card>
  );
}

/** A message with files is one MMS however long its text is, and costs what is entered for those. */
function MmsCount({ sendable }: { sendable: number }) {
  const { data } = useQuery({
    queryKey: keys.campaignSettings,
    queryFn: ({ signal }) => fetchCampaignSettings(signal),
  });
  // A thousand of them cost so many minor units.
  const price = data?.mms_price ?? null;
  return (
    <p className={css.muted} data-testid="audience-mms">
      1 MMS per person, {sendable.toLocaleString()} in all
      {data !== undefined &&
        (price === null
          ? '; its price is not entered under Setup'
          : `, about ${money(Math.round((price * sendable) / 1000), data.currency)}`)}
      .
    </p>
  );
}
