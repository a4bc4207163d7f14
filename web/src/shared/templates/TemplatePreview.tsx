import type { FilledTemplate } from '@/api/template-types';
import { TemplateCards } from './TemplateCards';
import { bodyValues, fillTemplate, type Filling } from './template-filling';
import css from './templates.module.css';

/** A template as the customer gets it. */
export function TemplatePreview({
  template,
  filling,
}: {
  template: FilledTemplate;
  filling: Filling;
}) {
  const heading = filling.values.header ?? '';
  const picture = filling.files.header;
  return (
    <div className={css.preview}>
      {template.header !== null && <strong>{fillTemplate(template.header, [heading])}</strong>}
      {template.header_format === 'image' && picture !== undefined && (
        <img src={`/api/v1/media/${picture.id}`} alt="Above the text" height={96} />
      )}
      {template.offer !== null && <strong>{template.offer.text}</strong>}
      {fillTemplate(template.body, bodyValues(template, filling))}
      {template.footer !== null && <small>{template.footer}</small>}
      {template.buttons.length > 0 && (
        <small>{template.buttons.map((button) => button.text || 'Copy code').join(' · ')}</small>
      )}
      {template.cards.length > 0 && (
        <TemplateCards
          cards={template.cards.map((card, index) => ({
            media_id: filling.files[`card.${index}.header`]?.id ?? null,
            media_kind: card.header_format,
            text: fillTemplate(card.body, bodyValues(template, filling, `card.${index}.`)),
            buttons: card.buttons.map((button) => button.text),
          }))}
        />
      )}
    </div>
  );
}
