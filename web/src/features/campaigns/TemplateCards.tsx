import type { CampaignCard, CampaignTemplate, Template } from '@/api/types';
import { TextField } from '@/ui';
import css from './editor.module.css';
import { TemplateFileField } from './TemplateExtras';

type View = Template['cards'][number];

/** The variables of a text, each once. */
const variables = (body: string) => [
  ...new Set([...body.matchAll(/\{\{\s*([^{}]+?)\s*\}\}/g)].map((each) => each[1] ?? '')),
];

/** Buttons whose address has a variable end, with their positions. */
const openLinks = (card: View) =>
  card.buttons
    .map((button, index) => ({ ...button, index }))
    .filter((button) => button.url?.includes('{{') ?? false);

/** What a card takes, still empty. */
export const emptyCards = (template: Template): CampaignCard[] =>
  template.cards.map((card) => ({
    media_id: null,
    values: variables(card.body).map(() => ''),
    buttons: openLinks(card).map(({ index }) => ({ index, value: '', target: '' })),
  }));

interface TemplateCardsProps {
  wanted: CampaignTemplate;
  template: Template;
  set: (change: Partial<CampaignTemplate>) => void;
}

/** What fills the cards of the template. */
export function TemplateCards({ wanted, template, set }: TemplateCardsProps) {
  const empty = emptyCards(template);
  const cards = template.cards.map((_, index) => wanted.cards[index] ?? empty[index]);
  return template.cards.map((view, index) => {
    const card = cards[index];
    if (card === undefined) return null;
    return (
      <OneCard
        key={index}
        number={index + 1}
        view={view}
        card={card}
        onChange={(changed) =>
          set({
            cards: cards.flatMap((each, at) =>
              at === index ? [{ ...card, ...changed }] : each === undefined ? [] : [each],
            ),
          })
        }
      />
    );
  });
}

interface OneCardProps {
  number: number;
  view: View;
  card: CampaignCard;
  onChange: (changed: Partial<CampaignCard>) => void;
}

function OneCard({ number, view, card, onChange }: OneCardProps) {
  const what = view.header_format === 'video' ? 'Video' : 'Picture';
  return (
    <fieldset className={css.placeAbove} data-testid="campaign-card">
      <legend>Card {number}</legend>
      <div className={css.cardFields}>
        {view.body !== '' && <p>{view.body}</p>}
        <TemplateFileField
          label={`${what} on card ${number}`}
          format={view.header_format}
          own={view.header_media_id}
          chosen={card.media_id}
          onChoose={(media_id) => onChange({ media_id })}
          testId={`template-card-${number}-file`}
        />
        {card.values.map((text, place) => (
          <TextField
            key={place}
            label={`Value ${place + 1} of card ${number}`}
            value={text}
            onChange={(event) =>
              onChange({ values: card.values.with(place, event.currentTarget.value) })
            }
            data-testid={`template-card-${number}-value-${place + 1}`}
          />
        ))}
        {openLinks(view).map((button) => {
          const given = card.buttons.find((each) => each.index === button.index);
          return (
            <TextField
              key={button.index}
              label={`Where “${button.text}” of card ${number} leads`}
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
                onChange({
                  buttons: card.buttons.map((each) => (each.index === button.index ? next : each)),
                });
              }}
              data-testid={`template-card-${number}-button-${button.index}`}
            />
          );
        })}
      </div>
    </fieldset>
  );
}
