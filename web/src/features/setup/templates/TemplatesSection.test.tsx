// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Channel, Template } from '@/api/types';
import { AppTheme } from '@/ui';
import * as api from './api';
import { TemplatesSection } from './TemplatesSection';
import { EMPTY } from './words';

vi.mock('./api', () => ({
  fetchAllTemplates: vi.fn(),
  fetchTemplate: vi.fn(),
  fetchForms: vi.fn(),
  lintTemplate: vi.fn(),
  createTemplate: vi.fn(),
  changeTemplate: vi.fn(),
}));
vi.mock('@tanstack/react-router', () => ({ Link: 'a' }));

const channels = ['One', 'Two'].map(
  (name, at) => ({ id: `chn_${at + 1}`, name, kind: 'whatsapp' }) as Channel,
);

const template = (id: string, channel_id: string, language: string) =>
  ({
    id,
    channel_id,
    language,
    name: 'order_ready',
    category: 'UTILITY',
    status: 'APPROVED',
    body: 'It is ready.',
    quality: null,
    reason: null,
    failure: null,
    asked_category: null,
    operation: null,
    has_draft: false,
  }) as Template;

const row = (name: RegExp) => within(screen.getByRole('row', { name }));

describe('a template of the second number, whose name is used on the first as well', () => {
  beforeEach(async () => {
    vi.resetAllMocks();
    const own = template('tpl_3', 'chn_2', 'de');
    vi.mocked(api.fetchAllTemplates).mockResolvedValue({
      data: [template('tpl_1', 'chn_1', 'en'), template('tpl_2', 'chn_1', 'es'), own],
      next_cursor: null,
    });
    vi.mocked(api.fetchForms).mockResolvedValue({ data: [], next_cursor: null });
    const parts = { ...EMPTY, name: 'order_ready', language: 'de', body: 'Fertig.' };
    vi.mocked(api.fetchTemplate).mockResolvedValue({ ...own, parts } as never);
    vi.mocked(api.lintTemplate).mockResolvedValue({ findings: [] } as never);
    vi.mocked(api.createTemplate).mockResolvedValue({ ...own, id: 'tpl_4', parts } as never);
    render(
      <QueryClientProvider client={new QueryClient()}>
        <AppTheme>
          <TemplatesSection channels={channels} mayManage />
        </AppTheme>
      </QueryClientProvider>,
    );
    await screen.findAllByTestId('template-row');
  });

  it('gets a further language on its own number, the first that it lacks there', async () => {
    await userEvent.click(row(/German/).getByTestId('template-add-a-language'));
    const field = await screen.findByTestId<HTMLInputElement>('template-language');
    expect(field.value).toBe('en');
    const number = screen.getByLabelText<HTMLSelectElement>('Channel');
    expect(number.value).toBe('chn_2');
    expect(number.disabled).toBe(true);
    await userEvent.click(screen.getByTestId('template-save'));
    expect(api.createTemplate).toHaveBeenCalledExactlyOnceWith(
      'chn_2',
      expect.objectContaining({ name: 'order_ready', language: 'en' }),
    );
  });

  it('has no other languages to delete with it', () => {
    expect(row(/German/).queryByTestId('template-delete-all-languages')).toBeNull();
    expect(row(/Spanish/).getByTestId('template-delete-all-languages')).toBeTruthy();
  });
});
