import type { ConsentState } from '@/api/types';
import { Tag, type Tone } from '@/ui';

const WORDS: Record<ConsentState, { label: string; tone: Tone }> = {
  granted: { label: 'Granted', tone: 'good' },
  revoked: { label: 'Revoked', tone: 'bad' },
  none: { label: 'None', tone: 'neutral' },
  in_review: { label: 'In review', tone: 'warn' },
  expired: { label: 'Expired', tone: 'warn' },
};

export function ConsentTag({ state }: { state: ConsentState }) {
  return (
    <Tag tone={WORDS[state].tone} dot="dot">
      {WORDS[state].label}
    </Tag>
  );
}
