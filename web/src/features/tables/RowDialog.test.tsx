// @vitest-environment happy-dom
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DataTableDefinition, DataTableRow } from '@/api/table-types';
import { AppTheme } from '@/ui';
import { RowDialog } from './RowDialog';

vi.mock('./use-may-define', () => ({ useMayDefine: () => true }));

const column = (name: string, kind: 'text' | 'number', is_key: boolean) => ({
  name,
  label: name,
  kind,
  choices: [],
  is_key,
});
const table = {
  id: 'tbl_1',
  label: 'Orders',
  columns: [
    column('shop', 'text', true),
    column('number', 'number', true),
    column('state', 'text', false),
  ],
} as unknown as DataTableDefinition;
const stored = {
  key: 'Rome 7',
  fields: { shop: 'Rome', number: '7', state: 'open' },
} as unknown as DataTableRow;

const onSaved = vi.fn();
let asked: URLSearchParams[] = [];
let written: unknown[] = [];

/** Stands for the server; the first page it looks through has nothing and a next one. */
beforeEach(() => {
  asked = [];
  written = [];
  onSaved.mockReset();
  vi.stubGlobal('fetch', (path: string, init: { method: string; body?: string }) => {
    if (init.method !== 'GET') {
      written.push(JSON.parse(init.body ?? '{}'));
      return Promise.resolve(Response.json(stored));
    }
    const query = new URL(path, 'http://segue.test').searchParams;
    asked.push(query);
    const isLast = query.get('cursor') !== null;
    const isThere =
      query.get('condition') === 'row["shop"] == "Rome" && double(row["number"]) == 7';
    return Promise.resolve(
      Response.json({
        data: isLast && isThere ? [stored] : [],
        next_cursor: isLast ? null : 'far',
      }),
    );
  });
});
afterEach(() => vi.unstubAllGlobals());

function open(row: DataTableRow | null) {
  render(
    <AppTheme>
      <RowDialog table={table} row={row} onClose={vi.fn()} onSaved={onSaved} />
    </AppTheme>,
  );
}
const type = (name: string, value: string) =>
  fireEvent.change(screen.getByTestId(`row-field-${name}`), { target: { value } });

describe('a new row', () => {
  it('does not write over the one with its key', async () => {
    open(null);
    type('shop', ' Rome');
    type('number', '7');
    type('state', 'new');
    await userEvent.click(screen.getByTestId('row-save'));
    await screen.findByText(/There is already a row with this key/);
    expect(asked).toHaveLength(2);
    expect(written).toEqual([]);
    type('number', '8');
    await userEvent.click(screen.getByTestId('row-save'));
    await waitFor(() => expect(onSaved).toHaveBeenCalledOnce());
    expect(written).toHaveLength(1);
  });
});

describe('a row that is changed', () => {
  it('is written without a question', async () => {
    open(stored);
    type('state', 'done');
    await userEvent.click(screen.getByTestId('row-save'));
    await waitFor(() => expect(onSaved).toHaveBeenCalledOnce());
    expect(asked).toEqual([]);
    expect(written).toEqual([{ fields: { shop: 'Rome', number: '7', state: 'done' } }]);
  });
});
