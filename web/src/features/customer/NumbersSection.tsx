import type { Session } from '@/api/types';
import { formatDateTime, formatDuration } from '@/lib/time';
import { useServerNow } from '@/lib/use-now';
import { Facts } from '@/ui';
import { PanelSection } from './PanelSection';
import { ENDED_BY, ORIGIN } from './words';

const took = (millis: number | null) => (millis === null ? '–' : formatDuration(millis / 1000));

/** How this conversation goes: who began it, who wrote how much, how fast people answered. */
export function NumbersSection({ session }: { session: Session }) {
  const now = useServerNow(15_000);
  const { numbers } = session;
  const waits =
    numbers.waits_since === null
      ? null
      : formatDuration((now - Date.parse(numbers.waits_since)) / 1000);
  const written = [
    [numbers.customer_messages, 'from the customer'],
    [numbers.agent_messages, 'from people'],
    [numbers.bot_messages, 'automatic'],
  ] as const;
  return (
    <PanelSection title="This conversation" testId="panel-numbers">
      <Facts
        items={[
          { label: 'Begun by', value: ORIGIN[session.origin] },
          { label: 'Since', value: formatDateTime(session.started_at) },
          {
            label: 'Messages',
            value: written
              .filter(([count]) => count > 0)
              .map(([count, who]) => `${count} ${who}`)
              .join(', '),
            testId: 'numbers-messages',
          },
          { label: 'First answer', value: took(numbers.first_response), testId: 'numbers-first' },
          { label: 'On average', value: took(numbers.average_response), testId: 'numbers-average' },
          ...(waits === null
            ? []
            : [{ label: 'Waits for', value: waits, testId: 'numbers-waits' }]),
          ...(session.ended_by === null
            ? []
            : [{ label: 'Ended by', value: ENDED_BY[session.ended_by] ?? session.ended_by }]),
        ]}
      />
    </PanelSection>
  );
}
