import type { ConsentAction, ConsentMethod, Subscription } from '@/api/types';

/** How a consent came about, in words. */
export const CONSENT_METHODS: Record<ConsentMethod, string> = {
  web_form: 'Web form',
  paper: 'Paper form',
  verbal: 'Spoken',
  keyword: 'Keyword by text',
  in_chat: 'In a chat',
  agent: 'Recorded by an agent',
  import: 'Import',
  import_undo: 'Import undone',
  api: 'Another system',
  carrier_report: 'Told by the carrier',
  meta_user_preferences: 'Told by WhatsApp',
  free_text: 'In own words',
};

/** What an entry of the ledger says, in words. */
export const CONSENT_ACTIONS: Record<ConsentAction, string> = {
  request: 'Asked for',
  grant: 'Granted',
  confirm: 'Confirmed',
  revoke: 'Revoked',
  deny: 'Declined',
  expire: 'Ran out',
  reassign: 'Number reassigned',
  correct: 'Corrected',
};

/** Categories of WhatsApp templates, and what messages of each are for. */
export const TEMPLATE_CATEGORIES = {
  marketing: { label: 'Marketing', purpose: 'marketing' },
  utility: { label: 'Utility', purpose: 'service' },
  authentication: { label: 'Authentication', purpose: 'service' },
} as const;

/** What an entry is about beyond channel and purpose, in words; nothing where it is about everything. */
export function scopeWords(scope: string): string {
  if (scope === 'all') return '';
  const [kind, name = ''] = scope.split(/:(.*)/s);
  if (kind === 'template') return `only the template ${name}`;
  if (kind === 'category') {
    const category = TEMPLATE_CATEGORIES[name as keyof typeof TEMPLATE_CATEGORIES];
    return `only ${(category?.label ?? name).toLowerCase()} templates`;
  }
  return scope.startsWith('prg_') ? 'one programme' : 'one sender';
}

export const CHANNEL_WORDS = { sms: 'SMS', whatsapp: 'WhatsApp' } as const;

export const END_REASONS: Record<NonNullable<Subscription['end_reason']>, string> = {
  stopped: 'stopped by the person',
  denied: 'declined',
  expired: 'not answered in time',
  too_young: 'below the minimum age',
  unclear: 'no readable answer',
  removed: 'ended by hand',
  reassigned: 'number reassigned',
};

/** Where a subscription stands, in words. */
export function subscriptionState(subscription: Subscription): string {
  if (subscription.state === 'active') return 'Active';
  if (subscription.state === 'pending') {
    return subscription.awaits === 'birth_date' ? 'Waits for birth date' : 'Waits for an answer';
  }
  const reason = subscription.end_reason;
  return reason === null ? 'Ended' : `Ended: ${END_REASONS[reason]}`;
}

/** Those a person can claim when recording a consent by hand or by file. */
export const CLAIMABLE_METHODS = (['web_form', 'paper', 'verbal', 'agent'] as const).map(
  (value) => ({
    value,
    label: CONSENT_METHODS[value],
  }),
);
