import type { Attribution, ConsentState, OptInState, Session } from '@/api/types';
import type { Tone } from '@/ui';

export const ATTRIBUTION: Record<Attribution, { label: string; why: string; tone: Tone }> = {
  certain: { label: 'Certain', why: 'The link of this very recipient was used.', tone: 'good' },
  claimed: {
    label: 'Claimed',
    why: 'The reference code in the text names the campaign.',
    tone: 'info',
  },
  inferred: {
    label: 'Inferred',
    why: 'The number got this campaign shortly before.',
    tone: 'warn',
  },
  none: { label: 'No campaign', why: 'The customer wrote on their own.', tone: 'neutral' },
};

export const CONSENT: Record<ConsentState, { label: string; tone: Tone }> = {
  granted: { label: 'Granted', tone: 'good' },
  revoked: { label: 'Revoked', tone: 'bad' },
  none: { label: 'None', tone: 'neutral' },
  in_review: { label: 'In review', tone: 'warn' },
};

export const OPT_IN: Record<OptInState, { label: string; tone: Tone }> = {
  granted: { label: 'Granted', tone: 'good' },
  asked: { label: 'Asked', tone: 'warn' },
  confirming: { label: 'Asked again', tone: 'warn' },
  declined: { label: 'Declined', tone: 'bad' },
  none: { label: 'Not asked', tone: 'neutral' },
};

export const ORIGIN: Record<Session['origin'], string> = {
  customer: 'The customer',
  agent: 'An agent',
  recorded: 'The WhatsApp Business app',
};

export const ENDED_BY: Record<string, string> = {
  agent: 'An agent',
  bot: 'The bot',
  customer: 'The customer',
  system: 'By itself',
};
