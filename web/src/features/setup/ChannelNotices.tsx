import { useQuery } from '@tanstack/react-query';
import { keys } from '@/api/query-keys';
import type { Channel, ChannelNotice } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import { Failure, Tag, type Tone } from '@/ui';
import { fetchChannelNotices } from './api';
import css from './setup.module.css';

const SEVERITIES: Record<ChannelNotice['severity'], { label: string; tone: Tone }> = {
  information: { label: 'News', tone: 'info' },
  warning: { label: 'Warning', tone: 'warn' },
  critical: { label: 'Act now', tone: 'bad' },
};

/** What WhatsApp told of the account, its numbers and its templates: the latest twenty. */
export function ChannelNotices({ channel }: { channel: Channel }) {
  const query = useQuery({
    queryKey: keys.channelNotices(channel.id),
    queryFn: ({ signal }) => fetchChannelNotices(channel.id, signal),
  });
  if (query.isError) return <Failure error={query.error} onRetry={() => void query.refetch()} />;
  const notices = query.data?.data ?? [];
  if (notices.length === 0) return null;
  return (
    <details open={notices.some((notice) => notice.severity === 'critical')}>
      <summary>What WhatsApp told of this account ({notices.length})</summary>
      <ul className={css.notices}>
        {notices.map((notice) => (
          <li key={notice.id}>
            <Tag tone={SEVERITIES[notice.severity].tone}>{SEVERITIES[notice.severity].label}</Tag>
            <span>{notice.text}</span>
            <time dateTime={notice.at}>{formatDateTime(notice.at)}</time>
          </li>
        ))}
      </ul>
    </details>
  );
}
