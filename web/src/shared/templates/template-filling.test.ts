import { describe, expect, it } from 'vitest';
import type { FilledTemplate, TemplateCardView, TemplateSlot } from '@/api/template-types';
import { beginning, bodyValues, fillTemplate, isComplete, toContent } from './template-filling';

const slot = (key: string, kind: TemplateSlot['kind']): TemplateSlot => ({
  key,
  kind,
  label: key,
  sample: null,
});

const template = {
  id: 'tpl_1',
  body: 'Hi {{name}}, order {{order}}. Bye {{name}}',
  cards: [] as TemplateCardView[],
  header_media_id: null,
  values: {},
  slots: [
    slot('header', 'file'),
    slot('body.name', 'text'),
    slot('body.order', 'text'),
    slot('button.1', 'url_end'),
  ],
} as FilledTemplate;

describe('filling a template', () => {
  it('puts named and numbered values in their places and leaves gaps to be seen', () => {
    expect(fillTemplate(template.body, ['Ana', ''])).toBe('Hi Ana, order {{order}}. Bye Ana');
    expect(fillTemplate('{{2}} {{1}}', ['one', 'two'])).toBe('two one');
  });

  it('is complete only with every value and the file', () => {
    const values = { 'body.name': 'Ana', 'body.order': '7', 'button.1': 'x' };
    const filling = { ...beginning(template), values, files: { header: { id: 'med_1' } } };
    expect(isComplete(template, filling)).toBe(true);
    expect(isComplete(template, { ...filling, files: {} })).toBe(false);
    const offer = { ...template, slots: [slot('offer', 'moment')] };
    expect(isComplete(offer, { ...filling, endsAt: '2026-12-01T09:00' })).toBe(true);
    expect(isComplete(offer, { ...filling, endsAt: '12026-12-01T09:00' })).toBe(false);
    const blank = { ...values, 'button.1': ' ' };
    expect(isComplete(template, { ...filling, values: blank })).toBe(false);
  });

  it('sends the values in their order, the file and what the buttons need', () => {
    const filling = {
      ...beginning(template),
      values: { 'body.order': '7', 'body.name': ' Ana ', 'button.1': 'x' },
      files: { header: { id: 'med_1' } },
    };
    expect(bodyValues(template, filling)).toEqual(['Ana', '7']);
    expect(toContent(template, filling)).toEqual({
      kind: 'template',
      template_id: 'tpl_1',
      parameters: ['Ana', '7'],
      header: { kind: 'file', media_id: 'med_1' },
      buttons: [{ index: 1, text: 'x' }],
    });
  });

  it('sends what fills each card, and when the offer ends', () => {
    const card = { header_format: 'image', body: 'Only {{1}} today.', buttons: [] };
    const carousel = {
      ...template,
      cards: [
        { ...card, header_media_id: 'med_1' },
        { ...card, header_media_id: null },
      ] as TemplateCardView[],
      slots: [
        slot('offer', 'moment'),
        slot('card.0.header', 'file'),
        slot('card.0.body.1', 'text'),
        slot('card.1.header', 'file'),
        slot('card.1.body.1', 'text'),
        slot('card.1.button.1', 'url_end'),
      ],
    };
    const begun = beginning(carousel);
    expect(begun.files).toEqual({ 'card.0.header': { id: 'med_1' } });
    const values = { 'card.0.body.1': '89', 'card.1.body.1': '45', 'card.1.button.1': 'tents' };
    const files = { ...begun.files, 'card.1.header': { id: 'med_2' } };
    const filling = { ...begun, values, files, endsAt: '2030-05-01T12:00' };
    expect(isComplete(carousel, { ...filling, endsAt: '' })).toBe(false);
    expect(isComplete(carousel, { ...filling, files: begun.files })).toBe(false);
    expect(isComplete(carousel, filling)).toBe(true);
    expect(toContent(carousel, filling)).toMatchObject({
      parameters: [],
      offer_ends_at: new Date('2030-05-01T12:00').toISOString(),
      cards: [
        { media_id: 'med_1', parameters: ['89'], buttons: [] },
        { media_id: 'med_2', parameters: ['45'], buttons: [{ index: 1, text: 'tents' }] },
      ],
    });
  });
});
