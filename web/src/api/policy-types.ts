/** The wire types of the workspace's policy: quiet times, frequency caps, rule books and what they decide. */

export type Day = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

export interface QuietSpan {
  days: Day[];
  start: string;
  end: string;
}

export type CapPeriod = 'day' | 'week' | 'month';

export interface FrequencyCap {
  messages: number;
  period: CapPeriod;
}

export type AtQuietHours = 'hold' | 'discard';

/** At most so many messages to one person of the campaigns with a label. */
export interface LabelCap {
  label: string;
  messages: number;
  period: CapPeriod;
}

/** What a campaign asks of the policy beside what the workspace sets. */
export interface CampaignRules {
  /** Null: what the workspace says. */
  at_quiet_hours: AtQuietHours | null;
  label: string | null;
  /** The programme in whose name it is sent. */
  programme_id: string | null;
}

export interface Policy {
  quiet_hours: { start: string; end: string };
  quiet_spans: QuietSpan[];
  caps: FrequencyCap[];
  at_cap: 'hold' | 'suppress';
  /** What becomes of a message that falls into quiet hours, where its campaign says nothing else. */
  at_quiet_hours: AtQuietHours;
  label_caps: LabelCap[];
  /** When promotional messages may leave by these settings, in words. */
  open_hours: string;
}

export interface Law {
  id: string;
  version: string;
  place: string;
  title: string;
  hours: string | null;
  frequency: string | null;
  basis: 'law' | 'code' | 'practice';
  source: string;
  effective_from: string;
  effective_until: string | null;
}

export interface RuleBook {
  name: string;
  title: string;
  version: string;
  since: string | null;
  rules: Law[];
}

/** Whether one contact can get a promotional text now, and why (not). */
export interface Reachability {
  reach: 'send' | 'hold' | 'refuse';
  rule: string;
  reason: string;
  until: string | null;
  deliver_by: string | null;
  place: string | null;
  time_zones: string[];
  laws: Law[];
  counted: string[];
}
