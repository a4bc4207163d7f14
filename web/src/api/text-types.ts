/** The wire types of what texts are made of and checked for, and of the suppression list. */

export interface LocaleText {
  /** BCP 47, such as `de` or `pt-BR`. */
  locale: string;
  body: string;
}

export interface OptOutLine {
  when: 'every' | 'first' | 'never';
  text: string;
  texts: LocaleText[];
  /** The line of every text from a name, which nobody can answer; empty: none. */
  unanswerable: string;
  unanswerable_texts: LocaleText[];
}

export interface Snippet {
  id: string;
  name: string;
  body: string;
  version: number;
  changed_at: string;
}

export interface SnippetVersion {
  version: number;
  body: string;
  actor: string;
  created_at: string;
}

export interface SnippetUses {
  campaigns: {
    campaign_id: string;
    name: string;
    state: string;
    /** Null for a draft, which gets the newest version. */
    version: number | null;
  }[];
  snippets: string[];
}

export interface TextFinding {
  rule: string;
  severity: 'warning' | 'hint';
  message: string;
  source: string;
  /** UTF-16 units of the text as it goes out. */
  at: { start: number; end: number; words: string }[];
  fix_label: string | null;
  fixed_body: string | null;
}

/** The body with plain characters, when the whole text then needs the smaller encoding. */
export interface SmartProposal {
  body: string;
  replacements: { from: string; to: string; count: number }[];
  segments_before: number;
  segments_after: number;
}

export interface LocalePreview {
  locale: string;
  text: string;
  encoding: 'gsm7' | 'ucs2';
  units: number;
  segments: number;
  findings: TextFinding[];
}

/** Somebody who does not exist, to try a text with. */
export interface TestPerson {
  locale?: string;
  fields: Record<string, string>;
}

export type SuppressionSource = 'manual' | 'file' | 'bounce' | 'deactivated';

export interface Suppression {
  address: string;
  reason: string;
  source: SuppressionSource;
  actor: string | null;
  created_at: string;
}

export interface SuppressionEvent {
  action: 'added' | 'removed';
  source: SuppressionSource;
  reason: string;
  actor: string;
  at: string;
}

export interface RejectedNumber {
  line: number;
  message: string;
}

export interface SuppressionsChanged {
  changed: number;
  unchanged: number;
  rejected: RejectedNumber[];
}

export interface NumbersDeactivated {
  consents_ended: number;
  suppressed: number;
  kept: number;
  rejected: RejectedNumber[];
}

export interface BounceRules {
  after: number;
  within_days: number;
  hard_codes: string[];
  soft_codes: string[];
}
