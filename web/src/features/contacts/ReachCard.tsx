import { useQuery } from '@tanstack/react-query';
import { api } from '@/api/client';
import type { Reachability } from '@/api/policy-types';
import { keys } from '@/api/query-keys';
import { formatDateTime } from '@/lib/time';
import { Card, Facts, Failure, SkeletonRows, Tag, type Tone } from '@/ui';

const REACH: Record<Reachability['reach'], { label: string; tone: Tone }> = {
  send: { label: 'Yes', tone: 'good' },
  hold: { label: 'Later', tone: 'warn' },
  refuse: { label: 'No', tone: 'bad' },
};

const fetchReachability = (id: string, signal?: AbortSignal) =>
  api.get<Reachability>(`/contacts/${id}/reachability`, {}, signal);

/** What would happen to a campaign's text to this person now, and the rules it goes by. */
export function ReachCard({ contactId }: { contactId: string }) {
  const query = useQuery({
    queryKey: keys.reachability(contactId),
    queryFn: ({ signal }) => fetchReachability(contactId, signal),
    refetchInterval: 60_000,
  });
  return (
    <Card title="Can be texted now?" data-testid="reachability">
      {query.isPending && <SkeletonRows rows={3} height={24} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && <Answer reach={query.data} />}
    </Card>
  );
}

function Answer({ reach }: { reach: Reachability }) {
  const zones = reach.time_zones.map((zone) => zone.replaceAll('_', ' '));
  const { label, tone } = REACH[reach.reach];
  return (
    <Facts
      items={[
        {
          label: 'A campaign',
          value: (
            <Tag tone={tone} dot="dot">
              {label}
            </Tag>
          ),
          testId: 'reach',
        },
        ...(reach.reach === 'send' ? [] : [{ label: 'Why', value: reach.reason }]),
        ...(reach.until === null ? [] : [{ label: 'From', value: formatDateTime(reach.until) }]),
        ...(reach.deliver_by === null
          ? []
          : [{ label: 'Until', value: formatDateTime(reach.deliver_by) }]),
        {
          label: 'Clock',
          value:
            zones.length > 4
              ? `${zones.slice(0, 3).join(', ')} and ${zones.length - 3} more`
              : zones.join(', '),
        },
        ...reach.laws.map((law) => ({
          label: law.title,
          value: [law.hours, law.frequency].filter((part) => part !== null).join('; '),
        })),
        ...(reach.counted.length === 0
          ? []
          : [{ label: 'Lately', value: `${reach.counted.length} promotional messages` }]),
      ]}
    />
  );
}
