// @vitest-environment happy-dom
import { render, screen } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import type { Contact } from '@/api/types';
import { AppTheme } from '@/ui';
import { MergeDialog } from './MergeDialog';

type Consent = Pick<Contact, 'sms_consent' | 'whatsapp_consent'>;

const contact = (id: string, consent: Partial<Consent>) =>
  ({
    id,
    first_name: 'Maria',
    last_name: null,
    phone: '+15550100',
    email: null,
    attributes: {},
    created_at: '2026-03-01T12:00:00.000Z',
    sms_consent: 'granted',
    whatsapp_consent: 'granted',
    ...consent,
  }) as unknown as Contact;

it.each<[Partial<Consent>, Partial<Consent>, string | null]>([
  [{ sms_consent: 'revoked' }, {}, 'SMS.'],
  [{}, { whatsapp_consent: 'revoked' }, 'WhatsApp.'],
  [{ sms_consent: 'revoked' }, { whatsapp_consent: 'revoked' }, 'SMS and WhatsApp.'],
  [{}, {}, null],
])('a merge says of which channel one of the two opted out (%o, %o)', (one, other, channels) => {
  render(
    <AppTheme>
      <MergeDialog
        contacts={[contact('con_1', one), contact('con_2', other)]}
        onClose={vi.fn()}
        onMerged={vi.fn()}
      />
    </AppTheme>,
  );
  const said = screen.queryByText(/One of the two opted out/)?.textContent ?? null;
  if (channels === null) expect(said).toBeNull();
  else expect(said).toContain(`opted out of ${channels}`);
});

it('says of each choice what it is about', () => {
  render(
    <AppTheme>
      <MergeDialog
        contacts={[contact('con_1', {}), contact('con_2', {})]}
        onClose={vi.fn()}
        onMerged={vi.fn()}
      />
    </AppTheme>,
  );
  const names = screen.getAllByRole('radio').map((each) => {
    const ids = each.getAttribute('aria-labelledby')?.split(' ') ?? [];
    return ids.map((id) => document.getElementById(id)?.textContent).join(' ');
  });
  expect(names[0]).toMatch(/^Which one stays Maria/);
  expect(names.slice(2, 4)).toEqual(['First name Maria', 'First name Maria']);
});
