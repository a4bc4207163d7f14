import { describe, expect, it } from 'vitest';
import type { Template } from '@/api/template-types';
import { EMPTY, filled, inCategory, placeholders, statusOf } from './words';

describe('the words of a template', () => {
  it('finds variables as the server counts them', () => {
    expect(placeholders('{{2}} and {{ 1 }} and {{2}}')).toEqual(['1', '2']);
    expect(placeholders('{{name}} {{day}} {{name}}')).toEqual(['name', 'day']);
    expect(filled('{{2}} {{1}} {{3}}', ['one', 'two'])).toBe('two one {{3}}');
  });

  it('gives one-time codes their own form and takes it back', () => {
    const written = { ...EMPTY, body: 'Hello', footer: 'Acme', samples: ['x'] };
    const code = inCategory(written, 'authentication');
    expect([code.body, code.footer, code.buttons.map((button) => button.kind)]).toEqual([
      '',
      null,
      ['one_time_code'],
    ]);
    const back = inCategory(code, 'utility');
    expect([back.code, back.buttons]).toEqual([null, []]);
    expect(inCategory(written, 'marketing').body).toBe('Hello');
  });

  it('shows what is under way before what was decided', () => {
    const template = { status: 'APPROVED', operation: null } as Template;
    expect(statusOf(template).label).toBe('Approved');
    expect(statusOf({ ...template, operation: 'edit' }).label).toBe('Waiting for WhatsApp');
    expect(statusOf({ ...template, status: 'SOMETHING_NEW' }).label).toBe('something_new');
  });
});
