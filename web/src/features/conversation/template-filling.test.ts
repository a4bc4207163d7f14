import { describe, expect, it } from 'vitest';
import type { FilledTemplate, TemplateSlot } from '@/api/template-types';
import { bodyValues, fillTemplate, isComplete, NO_PLACE, toContent } from './template-filling';

const slot = (key: string, kind: TemplateSlot['kind']): TemplateSlot => ({
  key,
  kind,
  label: key,
  sample: null,
});

const template = {
  id: 'tpl_1',
  body: 'Hi {{name}}, order {{order}}. Bye {{name}}',
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
    const file = { id: 'med_1' };
    expect(isComplete(template, { values, file, place: NO_PLACE })).toBe(true);
    expect(isComplete(template, { values, file: null, place: NO_PLACE })).toBe(false);
    const blank = { ...values, 'button.1': ' ' };
    expect(isComplete(template, { values: blank, file, place: NO_PLACE })).toBe(false);
  });

  it('sends the values in their order, the file and what the buttons need', () => {
    const filling = {
      values: { 'body.order': '7', 'body.name': ' Ana ', 'button.1': 'x' },
      file: { id: 'med_1' },
      place: NO_PLACE,
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
});
