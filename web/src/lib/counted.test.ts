import { expect, it } from 'vitest';
import { counted } from './counted';

it('says one of something as one', () => {
  expect([0, 1, 2].map((count) => counted(count, 'row', 'rows'))).toEqual([
    '0 rows',
    '1 row',
    '2 rows',
  ]);
});
