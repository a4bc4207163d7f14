import type { Day } from './policy-types';
import type { LocaleText } from './text-types';

/** An occasion on which a channel speaks by itself. */
export type Occasion =
  'start' | 'waiting' | 'outside_hours' | 'no_agent' | 'accepted' | 'inactivity' | 'end';

export interface AutomaticMessage {
  enabled: boolean;
  text: string;
  texts: LocaleText[];
}

export interface OpenSpan {
  days: Day[];
  start_minute: number;
  end_minute: number;
}

export interface BusinessHours {
  time_zone: string;
  spans: OpenSpan[];
  holidays: string[];
}

export interface IdleRules {
  warn_minutes: number | null;
  inactive_minutes: number | null;
  end_minutes: number | null;
}

export interface OptInRules {
  kind: 'implicit' | 'explicit' | 'double';
  question: string;
  questions: LocaleText[];
  confirmation: string;
  confirmations: LocaleText[];
  words: string[];
}

export interface CaseRules {
  moment: 'never' | 'start' | 'people';
  choice: 'create' | 'attach' | 'attach_or_create';
  subject: string;
  end: 'keep' | 'close';
  reopen_days: number;
}

/** What a WhatsApp channel does in conversations by itself. */
export interface ConversationSettings {
  hours: BusinessHours | null;
  /** Otherwise sessions wait outside business hours and are offered at opening. */
  offer_outside_hours: boolean;
  messages: Partial<Record<Occasion, AutomaticMessage>>;
  idle: IdleRules;
  opt_in: OptInRules;
  return_minutes: number;
  pending_hours: number;
  /** Whether what customers delete stays readable, marked as deleted. */
  keep_deleted: boolean;
  cases: CaseRules;
}
