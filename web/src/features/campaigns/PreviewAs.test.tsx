// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { afterEach, expect, it, vi } from 'vitest';
import { AppTheme } from '@/ui';
import { PreviewAs } from './PreviewAs';
import type { Reader } from './SegmentCounter';

afterEach(() => vi.unstubAllGlobals());

const PEOPLE = ['Maria', 'Ben'].map((first_name, index) => ({
  id: `con_${index}`,
  first_name,
  last_name: 'Lopez',
  phone: null,
}));

function shown(answer: (search: string) => Response) {
  const seen: { reader: Reader } = { reader: {} };
  const asked: string[] = [];
  vi.stubGlobal('fetch', (url: string) => {
    const search = new URL(url, 'http://localhost').searchParams.get('search') ?? '';
    asked.push(search);
    return Promise.resolve(answer(search));
  });
  const Around = () => {
    const [reader, setReader] = useState<Reader>({});
    seen.reader = reader;
    return <PreviewAs reader={reader} onChange={setReader} fields={[]} />;
  };
  render(
    <QueryClientProvider
      client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}
    >
      <AppTheme>
        <Around />
      </AppTheme>
    </QueryClientProvider>,
  );
  return { seen, asked };
}

const choice = () => screen.getByTestId<HTMLSelectElement>('preview-as');

it('goes on to say whose text is shown while somebody else is looked for', async () => {
  const { seen, asked } = shown((search) =>
    Response.json({
      data: PEOPLE.filter((each) => each.first_name.includes(search)),
      next_cursor: null,
    }),
  );
  await screen.findByRole('option', { name: 'Maria Lopez' });
  await userEvent.selectOptions(choice(), 'con_0');
  await userEvent.type(screen.getByLabelText('Show the text of'), 'Ben');
  await waitFor(() => expect(asked).toContain('Ben'));
  await screen.findByRole('option', { name: 'Ben Lopez' });
  expect(seen.reader).toEqual({ contact_id: 'con_0' });
  expect(choice().selectedOptions[0]?.textContent).toBe('Maria Lopez');
  await userEvent.selectOptions(choice(), '');
  expect([...choice().options].map((each) => each.textContent)).not.toContain('Maria Lopez');
});

it('says when contacts cannot be read', async () => {
  shown(() => Response.json({ title: 'Busy', detail: 'The database is away.' }, { status: 503 }));
  await screen.findByText(/The database is away/);
});
