import { useRef } from 'react';
import type { CampaignInput, CampaignTemplate, SessionRule, Template } from '@/api/types';
import { mergeToken } from '@/lib/merge-fields';
import { formatPhone } from '@/lib/phone';
import { formatDateTime } from '@/lib/time';
import { Card, Failure, Notice, SelectField, Stack, TextField, type Typed } from '@/ui';
import css from './editor.module.css';
import { emptyCards, TemplateCards } from './TemplateCards';
import { TemplateHeaderField, TemplateLanguages, TemplateOfferEnd } from './TemplateExtras';
import phone from './phone.module.css';
import type { Sources } from './use-sources';
import { EMPTY_INPUT } from './words';

const KINDS = [
  {
    value: 'sms',
    label: 'SMS',
    hint: 'A text from one of your senders, with a link into the chat.',
  },
  {
    value: 'whatsapp',
    label: 'WhatsApp template',
    hint: 'A template that WhatsApp has approved, to those who agreed to it there.',
  },
] as const;

const SESSIONS: { value: SessionRule; label: string }[] = [
  { value: 'any', label: 'Everybody, in a conversation or not' },
  { value: 'no_agent', label: 'Not to people an agent talks with' },
  { value: 'no_open_session', label: 'Not to people in any open conversation' },
];

interface ChoiceProps {
  input: CampaignInput;
  onChange: (input: CampaignInput) => void;
  sources: Sources;
}

/** Whether the campaign goes out by SMS or as a WhatsApp template. */
export function ChannelChoice({ input, onChange, sources }: ChoiceProps) {
  // What was written for the other way, should one come back to it.
  const before = useRef<{ sms?: Partial<CampaignInput>; template?: CampaignTemplate }>({});
  const choose = (kind: 'sms' | 'whatsapp') => {
    if (kind === 'sms') {
      if (input.template !== null) before.current.template = input.template;
      onChange({ ...input, footer: EMPTY_INPUT.footer, ...before.current.sms, template: null });
      return;
    }
    const { sender_id, pool_id, body, footer, texts, variants } = input;
    before.current.sms = { sender_id, pool_id, body, footer, texts, variants };
    const [only] = sources.whatsapp;
    onChange({
      ...input,
      sender_id: null,
      pool_id: null,
      body: '',
      footer: 'none',
      texts: [],
      variants: [],
      template: before.current.template ?? {
        channel_id: sources.whatsapp.length === 1 && only !== undefined ? only.id : '',
        name: '',
        language: '',
        values: [],
        buttons: [],
        sessions: 'no_agent',
        header_media_id: null,
        header_value: '',
        by_language: false,
        header_place: null,
        cards: [],
        offer_ends_at: null,
      },
    });
  };
  const chosen = input.template === null ? 'sms' : 'whatsapp';
  return (
    <fieldset className={css.footers} data-testid="campaign-channel">
      <legend>How it is sent</legend>
      {KINDS.map((each) => (
        <label key={each.value} className={css.footer}>
          <input
            type="radio"
            name="campaign-channel"
            value={each.value}
            checked={chosen === each.value}
            onChange={() => choose(each.value)}
            data-testid={`campaign-channel-${each.value}`}
          />
          <span>
            <strong>{each.label}</strong>
            <small>{each.hint}</small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

const found = (wanted: CampaignTemplate, sources: Sources): Template | undefined =>
  sources.templates.find(
    (each) =>
      each.channel_id === wanted.channel_id &&
      each.name === wanted.name &&
      each.language === wanted.language,
  );

/** Buttons whose address has a variable end or that copy a code, with their positions. */
const openButtons = (template: Template) =>
  template.buttons
    .map((button, index) => ({ ...button, index }))
    .filter((button) => isCode(button) || (button.url?.includes('{{') ?? false));

/** Whether a button copies a code. */
const isCode = (button: { type: string }) => button.type.toUpperCase() === 'COPY_CODE';

const FIELDS = ['first_name', 'last_name', 'email'];

interface FieldsProps {
  wanted: CampaignTemplate;
  onChange: (template: CampaignTemplate) => void;
  /** Told when the end of the offer is half typed, and when it is whole again. */
  onTyped: (typed: Typed) => void;
  sources: Sources;
}

/** The template of a campaign and what fills it. */
export function TemplateFields({ wanted, onChange, onTyped, sources }: FieldsProps) {
  const set = (change: Partial<CampaignTemplate>) => onChange({ ...wanted, ...change });
  const template = found(wanted, sources);
  const choices = sources.templates.filter(
    (each) => each.channel_id === wanted.channel_id && each.category !== 'AUTHENTICATION',
  );
  const choose = (id: string) => {
    const next = choices.find((each) => each.id === id);
    if (next === undefined) return;
    set({
      name: next.name,
      language: next.language,
      values: Array.from({ length: next.parameter_count }, (_, place) =>
        place === 0 ? '{{ first_name | default("there") }}' : '',
      ),
      buttons: openButtons(next).map((button) => ({
        index: button.index,
        value: '',
        target: isCode(button) ? null : '',
      })),
      header_media_id: null,
      header_value: '',
      header_place: null,
      cards: emptyCards(next),
      offer_ends_at: null,
    });
  };
  const value = (place: number, text: string) =>
    set({ values: wanted.values.map((each, index) => (index === place ? text : each)) });
  return (
    <Card
      title="Template"
      description="WhatsApp takes nothing else outside of a conversation. Values take the merge fields of texts."
    >
      <Stack>
        <div className={css.two}>
          <SelectField
            label="WhatsApp number"
            value={wanted.channel_id}
            onChange={(event) =>
              set({
                channel_id: event.currentTarget.value,
                name: '',
                language: '',
                values: [],
                buttons: [],
                header_media_id: null,
                header_value: '',
                header_place: null,
                cards: [],
                offer_ends_at: null,
              })
            }
            data={[
              { value: '', label: 'Choose a number', disabled: true },
              ...sources.whatsapp.map((each) => ({
                value: each.id,
                label: `${each.name} · ${formatPhone(each.display)}`,
              })),
            ]}
            data-testid="template-number"
          />
          <SelectField
            label="Template"
            value={template?.id ?? ''}
            onChange={(event) => choose(event.currentTarget.value)}
            data={[
              { value: '', label: 'Choose a template', disabled: true },
              ...choices.map((each) => ({
                value: each.id,
                label: `${each.name} (${each.language}) · ${each.category.toLowerCase()}${
                  each.status === 'APPROVED' ? '' : ` · ${each.status.toLowerCase()}`
                }`,
              })),
            ]}
            data-testid="template-choice"
          />
        </div>
        {sources.templatesError !== null && (
          <Failure error={sources.templatesError} onRetry={sources.retryTemplates} />
        )}
        {template !== undefined && template.status !== 'APPROVED' && (
          <Notice tone="warn">
            This template is {template.status.toLowerCase()} at WhatsApp. The campaign can start
            when it is approved.
          </Notice>
        )}
        {template !== undefined && (
          <TemplateHeaderField key={template.id} wanted={wanted} template={template} set={set} />
        )}
        {template !== undefined && (
          <TemplateOfferEnd
            key={`${template.id}-offer`}
            wanted={wanted}
            template={template}
            set={set}
            onTyped={onTyped}
          />
        )}
        {wanted.values.map((text, place) => (
          <TextField
            key={place}
            label={`Value ${place + 1}`}
            description={
              place === 0
                ? `Such as ${FIELDS.map((field) => mergeToken(field)).join(', ')}; with a default: {{ first_name | default("there") }}`
                : undefined
            }
            value={text}
            onChange={(event) => value(place, event.currentTarget.value)}
            data-testid={`template-value-${place + 1}`}
          />
        ))}
        {template !== undefined &&
          openButtons(template).map((button) => {
            const given = wanted.buttons.find((each) => each.index === button.index);
            if (isCode(button)) {
              return (
                <TextField
                  key={button.index}
                  label="Code to copy"
                  description="At most 15 characters; merge fields are possible."
                  value={given?.value ?? ''}
                  onChange={(event) => {
                    const next = {
                      index: button.index,
                      value: event.currentTarget.value,
                      target: null,
                    };
                    set({
                      buttons: wanted.buttons.map((each) =>
                        each.index === button.index ? next : each,
                      ),
                    });
                  }}
                  data-testid={`template-button-${button.index}`}
                />
              );
            }
            return (
              <TextField
                key={button.index}
                label={`Where “${button.text}” leads`}
                description={`A link of each recipient's own, if the button's address (${button.url}) is that of your short links: give the address, https://…. Else give what the address ends in.`}
                value={given?.target ?? given?.value ?? ''}
                onChange={(event) => {
                  const text = event.currentTarget.value;
                  const isLink = text.startsWith('http');
                  const next = {
                    index: button.index,
                    value: isLink ? '' : text,
                    target: isLink ? text : null,
                  };
                  set({
                    buttons: wanted.buttons.map((each) =>
                      each.index === button.index ? next : each,
                    ),
                  });
                }}
                data-testid={`template-button-${button.index}`}
              />
            );
          })}
        {template !== undefined && (
          <TemplateCards
            key={`${template.id}-cards`}
            wanted={wanted}
            template={template}
            set={set}
          />
        )}
        <TemplateLanguages wanted={wanted} templates={sources.templates} set={set} />
        <SelectField
          label="Who gets it"
          value={wanted.sessions}
          onChange={(event) => set({ sessions: event.currentTarget.value as SessionRule })}
          data={SESSIONS}
          data-testid="template-sessions"
        />
      </Stack>
    </Card>
  );
}

/** A text with its values in place of the placeholders, as far as they are known here. */
function filled(body: string, values: string[]): string {
  const names = [...new Set([...body.matchAll(/\{\{(.*?)\}\}/g)].map((each) => each[1] ?? ''))];
  if (names.every((name) => /^\d+$/.test(name))) names.sort((a, b) => Number(a) - Number(b));
  return body.replace(/\{\{(.*?)\}\}/g, (whole, name: string) => {
    const value = values[names.indexOf(name)]?.trim() ?? '';
    return value === '' ? whole : value;
  });
}

interface PreviewProps {
  wanted: CampaignTemplate;
  sources: Sources;
  /** The text for the first who gets it, when it is known. */
  text?: string | null;
}

/** What the customer sees of a template. */
export function TemplatePreview({ wanted, sources, text }: PreviewProps) {
  const template = found(wanted, sources);
  return (
    <figure className={phone.phone} aria-label="Preview on a phone">
      <div className={phone.screen}>
        <div className={phone.top}>WhatsApp</div>
        <div className={phone.messages}>
          {template === undefined ? (
            <p className={phone.hint}>
              Choose a template; it appears here as the customer gets it.
            </p>
          ) : (
            <div className={phone.sms} data-testid="template-preview">
              {wanted.header_media_id !== null || template.header_media_id !== null ? (
                <span className={phone.file}>
                  {template.header_format === 'image'
                    ? 'Picture'
                    : template.header_format === 'video'
                      ? 'Video'
                      : 'Document'}
                </span>
              ) : null}
              {template.header !== null && (
                <>
                  <strong>{template.header}</strong>
                  <br />
                </>
              )}
              {template.header_format === 'location' && (
                <span className={phone.file}>
                  {wanted.header_place?.name.trim() === '' || wanted.header_place === null
                    ? 'Place'
                    : wanted.header_place.name}
                </span>
              )}
              {template.offer !== null && (
                <span className={phone.file}>
                  <strong>{template.offer.text}</strong>
                  {wanted.offer_ends_at !== null && (
                    <>
                      <br />
                      Ends {formatDateTime(wanted.offer_ends_at)}
                    </>
                  )}
                </span>
              )}
              {text ?? filled(template.body, wanted.values)}
              {template.footer !== null && (
                <>
                  <br />
                  <small>{template.footer}</small>
                </>
              )}
              {template.buttons.map((button) => (
                <div key={button.text}>
                  <u>{isCode(button) ? 'Copy code' : button.text}</u>
                </div>
              ))}
            </div>
          )}
          {template !== undefined && template.cards.length > 0 && (
            <ul
              className={phone.cards}
              tabIndex={0}
              aria-label="Cards to swipe through"
              data-testid="template-preview-cards"
            >
              {template.cards.map((card, index) => (
                <li key={index}>
                  <span className={phone.file}>
                    {card.header_format === 'video' ? 'Video' : 'Picture'} {index + 1}
                  </span>
                  {filled(card.body, wanted.cards[index]?.values ?? [])}
                  {card.buttons.map((button) => (
                    <div key={button.text}>
                      <u>{button.text}</u>
                    </div>
                  ))}
                </li>
              ))}
            </ul>
          )}
        </div>
      </div>
    </figure>
  );
}
