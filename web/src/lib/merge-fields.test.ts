import { describe, expect, it } from 'vitest';
import { insertAt, sampleText } from './merge-fields';

describe('sampleText', () => {
  it('fills known fields, names others and leaves defaults out', () => {
    expect(sampleText('Hi {{ first_name | default("there") }}, {{loyalty_tier}} offer {x}')).toBe(
      'Hi Maria, loyalty tier offer {x}',
    );
  });
});

describe('insertAt', () => {
  it('replaces the selection and puts the cursor behind', () => {
    expect(insertAt('Hi you!', 3, 6, '{{ a }}')).toEqual({ text: 'Hi {{ a }}!', cursor: 10 });
  });
});
