// @vitest-environment happy-dom
import { renderHook } from '@testing-library/react';
import { expect, it } from 'vitest';
import { useAlerts } from './use-alerts';

it.each([
  ['/search', 'Messages'],
  ['/consent/words', 'Consent'],
  ['/tables/tbl_1', 'Data tables'],
  ['/contacts', 'Contacts'],
])('names %s in the title of the tab', (path, name) => {
  renderHook(() => useAlerts(path));
  expect(document.title).toBe(`${name} · Segue`);
});
