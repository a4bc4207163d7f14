import { useQuery } from '@tanstack/react-query';
import { keys } from '@/api/query-keys';
import type { Campaign } from '@/api/types';
import { Card, Failure, Skeleton } from '@/ui';
import { previewCampaign } from './api';
import css from './editor.module.css';

/** How many would get the campaign now, and why the others would not. */
export function usePreview(campaign: Campaign) {
  return useQuery({
    queryKey: keys.preview(campaign.id, String(campaign.version)),
    queryFn: () => previewCampaign(campaign.id),
    placeholderData: (previous) => previous,
  });
}

export function AudienceCard({ preview }: { preview: ReturnType<typeof usePreview> }) {
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
          {data.segments.max > 0 && (
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
