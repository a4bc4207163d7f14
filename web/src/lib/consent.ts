import type { ConsentMethod } from '@/api/types';

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
};

/** Those a person can claim when recording a consent by hand or by file. */
export const CLAIMABLE_METHODS = (['web_form', 'paper', 'verbal', 'keyword'] as const).map(
  (value) => ({
    value,
    label: CONSENT_METHODS[value],
  }),
);
