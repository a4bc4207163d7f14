import { expect, it } from 'vitest';
import { fieldWords } from './field-words';

it('writes the name of a field as words', () => {
  expect(fieldWords('order_number')).toBe('Order number');
  expect(fieldWords('city')).toBe('City');
  expect(fieldWords('')).toBe('');
});
