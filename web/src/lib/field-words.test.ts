import { expect, it } from 'vitest';
import { fieldWords, isSameField } from './field-words';

it('writes the name of a field as words', () => {
  expect(fieldWords('order_number')).toBe('Order number');
  expect(fieldWords('city')).toBe('City');
  expect(fieldWords('')).toBe('');
});

it('takes the vowels of a word for parts of it, as the server does', () => {
  expect(isSameField('नाम', 'नम')).toBe(false);
  expect(isSameField('कि', 'क')).toBe(false);
  expect(isSameField('Home city', ' home-City ')).toBe(true);
});
