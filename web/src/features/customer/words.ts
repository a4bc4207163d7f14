import type { CandidateReason, CustomerBlock, LinkAction } from '@/api/identity-types';
import type { Attribution, ConsentState, OptInState, Session } from '@/api/types';
import type { Tone } from '@/ui';

export const ATTRIBUTION: Record<Attribution, { label: string; why: string; tone: Tone }> = {
  certain: {
    label: 'Certain',
    why: 'The link of this very recipient was used, or the message was answered.',
    tone: 'good',
  },
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
  qr: {
    label: 'QR code',
    why: 'The QR code of the campaign was scanned, by whomever.',
    tone: 'info',
  },
  ad: {
    label: 'Advertisement',
    why: 'An advertisement brought the customer, and no campaign did.',
    tone: 'info',
  },
  none: { label: 'No campaign', why: 'The customer wrote on their own.', tone: 'neutral' },
};

export const CONSENT: Record<ConsentState, { label: string; tone: Tone }> = {
  granted: { label: 'Granted', tone: 'good' },
  revoked: { label: 'Revoked', tone: 'bad' },
  none: { label: 'None', tone: 'neutral' },
  in_review: { label: 'In review', tone: 'warn' },
  expired: { label: 'Expired', tone: 'warn' },
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

export const REASON: Record<CandidateReason, string> = {
  reference: 'the reference in the message',
  identifier: 'the same WhatsApp user on another number of yours',
  phone: 'the phone number',
  phone_variant: 'the phone number in another writing',
  email: 'the e-mail address',
  name: 'a similar name',
};

const HISTORY_REASON: Record<string, string> = {
  ...REASON,
  none: 'nobody matched',
  rules: 'the linking rules',
  bot: 'what the bot saved',
  merge: 'two customers became one',
  part: 'two customers were parted',
};

const ACTION: Record<LinkAction, string> = {
  linked: 'Linked',
  created: 'Linked to a new record',
  unlinked: 'Unlinked',
  asked: 'Asked an agent',
  postponed: 'Put away for later',
  undone: 'Taken back',
};

/** One entry of the history as a sentence. */
export function linkSentence(entry: {
  action: LinkAction;
  reason: string;
  actor_name: string | null;
}): string {
  const { action, reason, actor_name: name } = entry;
  if (reason === 'agent') return `${ACTION[action]} by ${name ?? 'a program'}`;
  return `${ACTION[action]}: ${HISTORY_REASON[reason] ?? reason}`;
}

export const BLOCK: Record<CustomerBlock['state'], string> = {
  blocking: 'Blocked here; WhatsApp is being told.',
  blocked: 'Blocked here and at WhatsApp.',
  unblocking: 'Free to write again; WhatsApp is being told.',
  failed: 'WhatsApp did not do it.',
  unblock_failed: 'Free to write; WhatsApp still blocks.',
};
