import { useQuery } from '@tanstack/react-query';
import { keys } from '@/api/query-keys';
import { Card, Failure, SkeletonRows } from '@/ui';
import { fetchVariants } from './api';
import css from './campaigns.module.css';
import { percent } from './words';

/** How the texts compare, and how sure that is. */
export function VariantReportCard({ campaignId, alive }: { campaignId: string; alive: boolean }) {
  const query = useQuery({
    queryKey: keys.variants(campaignId),
    queryFn: ({ signal }) => fetchVariants(campaignId, signal),
    refetchInterval: alive ? 10_000 : 60_000,
  });
  const { data } = query;
  return (
    <Card title="Test of texts">
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <SkeletonRows rows={3} height={24} />}
      {data !== undefined && (
        <>
          <ul className={css.reasons}>
            {data.variants.map((variant, at) => (
              <li key={variant.name} data-testid="variant-result">
                <span>
                  {at === data.leader && data.is_sure ? '★ ' : ''}
                  {variant.name}: {variant.sent.toLocaleString()} sent,{' '}
                  {percent(variant.tapped, variant.sent)} tapped,{' '}
                  {percent(variant.chats, variant.sent)} chatted
                </span>
                <strong>{variant.recipients.toLocaleString()}</strong>
              </li>
            ))}
            {data.held_out > 0 && (
              <li>
                <span>Held out, got nothing</span>
                <strong>{data.held_out.toLocaleString()}</strong>
              </li>
            )}
          </ul>
          <p data-testid="variant-verdict">{data.verdict}</p>
        </>
      )}
    </Card>
  );
}
