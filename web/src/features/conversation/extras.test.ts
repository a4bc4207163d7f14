import { describe, expect, it } from 'vitest';
import { choiceFault, EXTRAS } from './extras';

const build = (kind: string, values: Record<string, string>) =>
  EXTRAS.find((each) => each.kind === kind)?.build((name) => values[name] ?? '');

describe('special messages', () => {
  it('makes a row of each line, with a second line after the sign', () => {
    expect(
      build('list', { text: 'Pick', button: 'Sizes', choices: 'Small | 10 cm\n\nLarge' }),
    ).toEqual({
      kind: 'list',
      text: 'Pick',
      button: 'Sizes',
      sections: [
        {
          title: '',
          rows: [
            { id: 'choice-1', title: 'Small', description: '10 cm' },
            { id: 'choice-2', title: 'Large' },
          ],
        },
      ],
    });
  });

  it('keeps what stands above and below the text only where something was written', () => {
    const values = { text: 'Well?', choices: 'Yes', header: 'Please', footer: '' };
    expect(build('buttons', values)).toEqual({
      kind: 'buttons',
      text: 'Well?',
      buttons: [{ id: 'choice-1', title: 'Yes' }],
      header: 'Please',
    });
    expect(
      build('link', { text: 'Look', label: 'Open', url: 'https://x.example', footer: 'Until May' }),
    ).toMatchObject({ footer: 'Until May' });
  });

  it('leaves out what was not given', () => {
    expect(build('card', { name: 'Ana', phone: '+1555' })).toEqual({
      kind: 'card',
      name: 'Ana',
      phones: ['+1555'],
      emails: [],
    });
    expect(build('place', { latitude: '1', longitude: '2', name: '', address: '' })).toEqual({
      kind: 'place',
      latitude: '1',
      longitude: '2',
    });
  });

  it('names the limit of choices that is broken', () => {
    expect(choiceFault('buttons', 'Yes\nNo')).toBeNull();
    expect(choiceFault('buttons', '')).toMatch(/at least one/);
    expect(choiceFault('buttons', 'a\nb\nc\nd')).toMatch(/at most 3/);
    expect(choiceFault('list', 'a\nb\nc\nd')).toBeNull();
    expect(choiceFault('buttons', 'A title that is far too long')).toMatch(/longer than 20/);
    expect(choiceFault('buttons', 'Yes\nYes')).toMatch(/the same/);
    expect(choiceFault('list', `Row | ${'x'.repeat(73)}`)).toMatch(/72/);
  });
});
