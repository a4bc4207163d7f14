/** The wire types of WhatsApp message templates. */

export type TemplateCategory = 'marketing' | 'utility' | 'authentication';
export type ParameterFormat = 'positional' | 'named';

export interface TemplateSlot {
  /** `header`, `body.1`, `body.first_name` or `button.0`; on a card `card.0.header` and so on; `offer`. */
  key: string;
  kind: 'text' | 'file' | 'place' | 'url_end' | 'code' | 'moment';
  label: string;
  sample: string | null;
}

export interface TemplateDefault {
  slot: string;
  /** A field such as `contact.first_name`; empty for the fallback alone. */
  source: string;
  fallback: string;
}

/** What a template offers for a time. */
export interface TemplateOffer {
  text: string;
  /** Whether it ends at a moment that is given when it is sent. */
  expires: boolean;
}

/** A card of a template as lists show it. */
export interface TemplateCardView {
  header_format: string;
  /** The file that stands on it when none is chosen. */
  header_media_id: string | null;
  body: string;
  buttons: { type: string; text: string; url: string | null }[];
}

export interface Template {
  id: string;
  channel_id: string;
  name: string;
  language: string;
  category: string;
  status: string;
  body: string;
  header: string | null;
  header_format: string | null;
  header_media_id: string | null;
  footer: string | null;
  buttons: { type: string; text: string; url: string | null }[];
  /** Cards below the text, to swipe through. */
  cards: TemplateCardView[];
  offer: TemplateOffer | null;
  parameter_count: number;
  slots: TemplateSlot[];
  defaults: TemplateDefault[];
  quality: string | null;
  reason: string | null;
  /** What it was submitted as, when WhatsApp took it as something else. */
  asked_category: string | null;
  operation: 'create' | 'edit' | 'delete' | null;
  failure: string | null;
  has_draft: boolean;
}

export type TemplateHeader =
  | { format: 'text'; text: string; sample?: string | null }
  | { format: 'image' | 'video' | 'document'; media_id?: string | null }
  | { format: 'location' };

export interface CodeApp {
  package_name: string;
  signature_hash: string;
}

export type TemplateButton =
  | { kind: 'quick_reply'; text: string }
  | { kind: 'url'; text: string; url: string; sample?: string | null }
  | { kind: 'phone_number'; text: string; phone_number: string }
  | { kind: 'copy_code'; sample: string }
  | {
      kind: 'one_time_code';
      mode: 'copy_code' | 'one_tap' | 'zero_tap';
      text?: string | null;
      autofill_text?: string | null;
      apps: CodeApp[];
    }
  | { kind: 'flow'; text: string; flow_id: string; screen?: string | null }
  | { kind: 'catalog' | 'multi_product' | 'single_product' | 'voice_call'; text: string }
  | { kind: 'request_contact_info' }
  | { kind: 'other'; raw: Record<string, unknown> };

/** A card of a carousel. */
export interface TemplateCard {
  header: TemplateHeader;
  body: string;
  samples: string[];
  buttons: TemplateButton[];
}

export interface TemplateParts {
  name: string;
  language: string;
  category: TemplateCategory;
  parameter_format: ParameterFormat;
  header: TemplateHeader | null;
  body: string;
  samples: string[];
  footer: string | null;
  buttons: TemplateButton[];
  code: { security_advice: boolean; expires_in_minutes: number | null } | null;
  cards: TemplateCard[];
  offer: TemplateOffer | null;
}

export interface TemplateFinding {
  rule: string;
  severity: 'error' | 'warning';
  field: string;
  message: string;
}

export interface TemplateDetail extends Template {
  parts: TemplateParts | null;
  findings: TemplateFinding[];
}

export interface TemplateCheck {
  ok: boolean;
  findings: TemplateFinding[];
}

/** A template in one language, with the values that are known of a customer. */
export interface FilledTemplate extends Template {
  values: Record<string, string>;
}

export interface TemplateChoice {
  name: string;
  language: string;
  languages: FilledTemplate[];
}

export type TemplateHeaderValue =
  | { kind: 'text'; text: string }
  | { kind: 'file'; media_id: string }
  | { kind: 'place'; latitude: string; longitude: string; name: string; address: string };

export interface TemplateButtonValue {
  index: number;
  text: string;
}
