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
let written: unknown[] = [];
const TAKEN = 'There is already a row with this key.';

/** Stands for the server, which has a row with the number 7. */
beforeEach(() => {
  written = [];
  onSaved.mockReset();
  vi.stubGlobal('fetch', (_path: string, init: { body: string }) => {
    const body = JSON.parse(init.body) as { fields: { number: string }; create_only?: boolean };
    written.push(body);
    if (body.create_only !== true || body.fields.number !== '7') {
      return Promise.resolve(Response.json(stored));
    }
    const problem = { title: 'Conflict', status: 409, code: 'row_taken', detail: TAKEN };
    return Promise.resolve(Response.json(problem, { status: 409 }));
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
    await screen.findByText(TAKEN);
    expect(onSaved).not.toHaveBeenCalled();
    type('number', '8');
    await userEvent.click(screen.getByTestId('row-save'));
    await waitFor(() => expect(onSaved).toHaveBeenCalledOnce());
    const fields = { shop: ' Rome', number: '8', state: 'new' };
    expect(written[1]).toEqual({ fields, create_only: true });
  });
});

describe('a row that is changed', () => {
  it('writes over what is there', async () => {
    open(stored);
    type('state', 'done');
    await userEvent.click(screen.getByTestId('row-save'));
    await waitFor(() => expect(onSaved).toHaveBeenCalledOnce());
    expect(written).toEqual([{ fields: { shop: 'Rome', number: '7', state: 'done' } }]);
  });
});
