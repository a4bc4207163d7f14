import { IconArrowDown, IconArrowUp, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import type { TemplateCard, TemplateParts } from '@/api/template-types';
import { Button, IconButton, notify, Row, SelectField, Stack, TextArea, TextField } from '@/ui';
import { uploadExample } from './api';
import { ButtonFields } from './ButtonFields';
import css from './templates.module.css';
import { CARD_BUTTONS, cardLike, nextName, placeholders } from './words';

const MOST_CARDS = 10;
const ACCEPT = { image: 'image/jpeg,image/png', video: 'video/mp4' };

interface CardFieldsProps {
  parts: TemplateParts;
  problem: (field: string) => string | undefined;
  onChange: (change: (cards: TemplateCard[]) => TemplateCard[]) => void;
}

/** The cards of a template: what stands on each, and their order. */
export function CardFields({ parts, problem, onChange }: CardFieldsProps) {
  const { cards } = parts;
  const format = cards[0]?.header.format === 'video' ? 'video' : 'image';
  const swap = (index: number, other: number) =>
    onChange((now) => {
      const [one, two] = [now[index], now[other]];
      return one === undefined || two === undefined ? now : now.with(index, two).with(other, one);
    });
  return (
    <Stack gap={16}>
      <SelectField
        label="On the cards stand"
        description="The same on all of them."
        data={[
          { value: 'image', label: 'Pictures' },
          { value: 'video', label: 'Videos' },
        ]}
        value={format}
        onChange={(event) => {
          const chosen = event.currentTarget.value === 'video' ? 'video' : 'image';
          onChange((now) =>
            now.map((card) => ({ ...card, header: { format: chosen, media_id: null } })),
          );
        }}
        data-testid="template-card-format"
      />
      {problem('cards') !== undefined && <p className={css.problem}>{problem('cards')}</p>}
      {cards.map((card, index) => (
        <OneCard
          key={index}
          card={card}
          number={index + 1}
          last={index === cards.length - 1}
          parts={parts}
          problem={(field) => problem(`cards.${index}.${field}`)}
          onChange={(change) =>
            onChange((now) => now.map((each, at) => (at === index ? change(each) : each)))
          }
          onMove={(to) => swap(index, to === 'earlier' ? index - 1 : index + 1)}
          onRemove={() => onChange((now) => now.toSpliced(index, 1))}
        />
      ))}
      {cards.length < MOST_CARDS && (
        <Row>
          <Button
            emphasis="secondary"
            onClick={() => onChange((now) => [...now, cardLike(now.at(-1))])}
            data-testid="template-card-add"
          >
            Add a card
          </Button>
          <span className={css.counter}>
            {cards.length} of {MOST_CARDS}
          </span>
        </Row>
      )}
    </Stack>
  );
}

interface OneCardProps {
  card: TemplateCard;
  number: number;
  last: boolean;
  parts: TemplateParts;
  problem: (field: string) => string | undefined;
  onChange: (change: (card: TemplateCard) => TemplateCard) => void;
  onMove: (to: 'earlier' | 'later') => void;
  onRemove: () => void;
}

function OneCard(props: OneCardProps) {
  const { card, number, last, parts, problem, onChange, onMove, onRemove } = props;
  const [busy, setBusy] = useState<'idle' | 'uploading'>('idle');
  const names = placeholders(card.body);
  const format = card.header.format === 'video' ? 'video' : 'image';
  const what = format === 'video' ? 'video' : 'picture';
  const chosen = 'media_id' in card.header && typeof card.header.media_id === 'string';
  const set = (changed: Partial<TemplateCard>) => onChange((now) => ({ ...now, ...changed }));
  const upload = async (file: File | undefined) => {
    if (file === undefined) return;
    setBusy('uploading');
    try {
      const media = await uploadExample(file);
      set({ header: { format, media_id: media.id } });
    } catch (error) {
      notify.failure(error);
    } finally {
      setBusy('idle');
    }
  };
  const trouble = problem('header') ?? problem('header.media_id');
  return (
    <fieldset className={css.group} data-testid="template-card">
      <legend>Card {number}</legend>
      <Row>
        <IconButton
          label={`Move card ${number} forward`}
          disabled={number === 1}
          onClick={() => onMove('earlier')}
        >
          <IconArrowUp size={16} />
        </IconButton>
        <IconButton
          label={`Move card ${number} back`}
          disabled={last}
          onClick={() => onMove('later')}
        >
          <IconArrowDown size={16} />
        </IconButton>
        <IconButton label={`Remove card ${number}`} onClick={onRemove}>
          <IconTrash size={16} />
        </IconButton>
      </Row>
      <label className={css.file}>
        <span>
          {busy === 'uploading'
            ? 'Uploading…'
            : chosen
              ? `The ${what} of card ${number} is chosen. It is also sent when the sender chooses none.`
              : `Example of the ${what} of card ${number}, for WhatsApp’s review`}
        </span>
        <input
          type="file"
          accept={ACCEPT[format]}
          disabled={busy === 'uploading'}
          onChange={(event) => void upload(event.currentTarget.files?.[0])}
          data-testid="template-card-file"
        />
        {trouble !== undefined && <span className={css.problem}>{trouble}</span>}
      </label>
      <TextArea
        label={`Text of card ${number}`}
        description="At most 160 characters and two line breaks; empty on all cards for none."
        autosize
        minRows={2}
        value={card.body}
        error={problem('body')}
        onChange={(event) => set({ body: event.currentTarget.value })}
        data-testid="template-card-body"
      />
      <Row>
        <Button
          size="xs"
          emphasis="secondary"
          onClick={() =>
            set({ body: `${card.body}{{${nextName(parts.parameter_format, names)}}}` })
          }
        >
          Add a variable
        </Button>
        <span className={css.counter}>{[...card.body].length} of 160</span>
      </Row>
      {names.length > 0 && (
        <div className={css.pair}>
          {names.map((name, index) => (
            <TextField
              key={name}
              label={`Example for {{${name}}} on card ${number}`}
              value={card.samples[index] ?? ''}
              error={problem(`samples.${index}`)}
              onChange={(event) =>
                set({
                  samples: names.map((_, at) =>
                    at === index ? event.currentTarget.value : (card.samples[at] ?? ''),
                  ),
                })
              }
              data-testid="template-card-sample"
            />
          ))}
        </div>
      )}
      <ButtonFields
        buttons={card.buttons}
        problem={problem}
        onChange={(buttons) => set({ buttons })}
        kinds={CARD_BUTTONS}
        most={2}
        on={` of card ${number}`}
      />
    </fieldset>
  );
}

interface OfferFieldsProps {
  offer: NonNullable<TemplateParts['offer']>;
  problem: (field: string) => string | undefined;
  onChange: (offer: NonNullable<TemplateParts['offer']>) => void;
}

/** What is offered for a time. */
export function OfferFields({ offer, problem, onChange }: OfferFieldsProps) {
  return (
    <fieldset className={css.group}>
      <legend>Offer</legend>
      <div className={css.pair}>
        <TextField
          label="What is offered"
          description={`At most 16 characters; ${[...offer.text].length} of 16.`}
          value={offer.text}
          error={offer.text === '' ? undefined : problem('offer.text')}
          onChange={(event) => onChange({ ...offer, text: event.currentTarget.value })}
          data-testid="template-offer-text"
        />
        <SelectField
          label="End"
          description="WhatsApp shows how much time is left. WhatsApp on computers shows no offers."
          data={[
            { value: 'yes', label: 'At a moment that is chosen when it is sent' },
            { value: 'no', label: 'None' },
          ]}
          value={offer.expires ? 'yes' : 'no'}
          onChange={(event) => onChange({ ...offer, expires: event.currentTarget.value === 'yes' })}
        />
      </div>
    </fieldset>
  );
}
