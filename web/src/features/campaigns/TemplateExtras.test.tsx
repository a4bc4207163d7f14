// @vitest-environment happy-dom
import { fireEvent, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import type { CampaignTemplate, Template } from '@/api/types';
import { AppTheme } from '@/ui';
import { TemplateHeaderField, TemplateLanguages, TemplateOfferEnd } from './TemplateExtras';

const TEMPLATE: Template = {
  id: 'tpl_1',
  channel_id: 'chn_1',
  name: 'spring',
  language: 'en',
  category: 'MARKETING',
  status: 'APPROVED',
  body: 'Spring is here.',
  header: null,
  header_format: 'image',
  header_media_id: null,
  footer: null,
  buttons: [],
  cards: [],
  offer: null,
  parameter_count: 0,
  slots: [],
  defaults: [],
  quality: null,
  reason: null,
  asked_category: null,
  operation: null,
  failure: null,
  has_draft: false,
};

const WANTED: CampaignTemplate = {
  channel_id: 'chn_1',
  name: 'spring',
  language: 'en',
  values: [],
  buttons: [],
  sessions: 'any',
  header_media_id: null,
  header_value: '',
  header_place: null,
  cards: [],
  offer_ends_at: null,
  by_language: false,
};

describe('the file above a template', () => {
  const show = (wanted: CampaignTemplate, template: Template) => {
    const set = vi.fn();
    render(
      <AppTheme>
        <TemplateHeaderField wanted={wanted} template={template} set={set} />
      </AppTheme>,
    );
    return set;
  };

  it('has to be chosen where the template has none of its own', () => {
    show(WANTED, TEMPLATE);
    expect(screen.getByTestId('template-file-state').textContent).toContain('Choose the one');
    expect(screen.getByTestId('template-file').getAttribute('accept')).toBe('image/jpeg,image/png');
  });

  it('is the template’s own until another one is chosen, and again when that is taken back', async () => {
    const set = show(
      { ...WANTED, header_media_id: 'med_1' },
      { ...TEMPLATE, header_media_id: 'med_2' },
    );
    expect(screen.getByTestId('template-file-state').textContent).toContain('Chosen.');
    await userEvent.click(screen.getByText('Send the template’s own'));
    expect(set).toHaveBeenCalledWith({ header_media_id: null });
  });

  it('is not asked for where none stands', () => {
    show(WANTED, { ...TEMPLATE, header_format: null });
    expect(screen.queryByTestId('template-file')).toBeNull();
  });
});

describe('the end of an offer', () => {
  it('is told while it is half typed, until it is not asked for any more', () => {
    const [set, onTyped] = [vi.fn(), vi.fn()];
    const offering = { ...TEMPLATE, offer: { text: '20 % off', expires: true } };
    const { rerender } = render(
      <AppTheme>
        <TemplateOfferEnd wanted={WANTED} template={offering} set={set} onTyped={onTyped} />
      </AppTheme>,
    );
    const end = screen.getByTestId<HTMLInputElement>('template-offer-ends');
    vi.spyOn(end, 'validity', 'get').mockReturnValue({ badInput: true } as ValidityState);
    fireEvent.blur(end);
    expect(onTyped).toHaveBeenLastCalledWith('half');
    expect(set).not.toHaveBeenCalled();
    rerender(
      <AppTheme>
        <TemplateOfferEnd wanted={WANTED} template={TEMPLATE} set={set} onTyped={onTyped} />
      </AppTheme>,
    );
    expect(onTyped).toHaveBeenLastCalledWith('whole');
  });
});

describe('the languages of a template', () => {
  it('names those that are not approved and what the others get', async () => {
    const set = vi.fn();
    const others = ['de', 'fr'].map((language) => ({
      ...TEMPLATE,
      language,
      status: language === 'fr' ? 'PAUSED' : 'APPROVED',
    }));
    render(
      <AppTheme>
        <TemplateLanguages wanted={WANTED} templates={[TEMPLATE, ...others]} set={set} />
      </AppTheme>,
    );
    expect(screen.getByText(/de, fr \(paused, not sent\)/).textContent).toContain('gets it in en');
    await userEvent.click(screen.getByTestId('template-by-language'));
    expect(set).toHaveBeenCalledWith({ by_language: true });
  });

  it('are not asked about where there is one', () => {
    render(
      <AppTheme>
        <TemplateLanguages wanted={WANTED} templates={[TEMPLATE]} set={vi.fn()} />
      </AppTheme>,
    );
    expect(screen.queryByTestId('template-by-language')).toBeNull();
  });
});
