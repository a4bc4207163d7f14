// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { afterEach, expect, it, vi } from 'vitest';
import { AppTheme } from '@/ui';
import { BodyField } from './BodyField';

afterEach(() => vi.unstubAllGlobals());

it('inserts a snippet when asked to, not while one is chosen', async () => {
  const data = ['legal-line', 'opening'].map((name) => ({ id: name, name }));
  vi.stubGlobal('fetch', () => Promise.resolve(Response.json({ data, next_cursor: null })));
  const seen = { text: '' };
  const Around = () => {
    const [text, setText] = useState('');
    seen.text = text;
    return <BodyField value={text} onChange={setText} counter={null} checks={null} />;
  };
  render(
    <QueryClientProvider client={new QueryClient()}>
      <AppTheme>
        <Around />
      </AppTheme>
    </QueryClientProvider>,
  );
  await userEvent.selectOptions(await screen.findByTestId('snippet-choice'), 'opening');
  expect(seen.text).toBe('');
  await userEvent.click(screen.getByTestId('insert-snippet'));
  expect(seen.text).toBe('{% include "opening" %}');
});
