/** What senders and their registrations are called on the screen. */
import type { RegistrationKind, RegistrationState, SenderKind } from '@/api/sender-types';
import type { Tone } from '@/ui';

export const SENDER_KINDS: Record<SenderKind, string> = {
  '10dlc': '10DLC number (US)',
  long_code: 'Long code',
  short_code: 'Short code',
  toll_free: 'Toll-free',
  alphanumeric: 'Name',
};

export const REGISTRATION_KINDS: Record<RegistrationKind, string> = {
  brand: 'Brand (10DLC)',
  campaign: 'Campaign (10DLC)',
  toll_free: 'Toll-free verification',
  short_code: 'Short code',
  sender_id: 'Sender name',
};

export const REGISTRATION_STATES: Record<RegistrationState, { label: string; tone: Tone }> = {
  draft: { label: 'Draft', tone: 'neutral' },
  submitted: { label: 'Submitted', tone: 'info' },
  in_review: { label: 'In review', tone: 'info' },
  approved: { label: 'Approved', tone: 'good' },
  rejected: { label: 'Rejected', tone: 'bad' },
  expired: { label: 'Expired', tone: 'warn' },
};
