import { describe, expect, it } from 'vitest';
import { formatPhone } from './phone';

describe('a phone number for reading', () => {
  it.each([
    ['+12125550123', '+1 212 555 0123'],
    ['+4915112345678', '+49 151 1234 5678'],
    ['+971505550123', '+971 505 5501 23'],
    ['+35312345678', '+353 123 4567 8'],
    ['+79121234567', '+7 912 1234 567'],
    ['+12', '+12'],
    [null, '–'],
  ])('%s is shown as %s', (phone, shown) => {
    expect(formatPhone(phone)).toBe(shown);
  });
});
