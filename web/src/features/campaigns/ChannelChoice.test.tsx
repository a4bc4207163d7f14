// @vitest-environment happy-dom
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { expect, it } from 'vitest';
import type { CampaignInput } from '@/api/types';
import { AppTheme } from '@/ui';
import { ChannelChoice } from './TemplateFields';
import type { Sources } from './use-sources';
import { EMPTY_INPUT } from './words';

it('brings back what was written when the other way was chosen by mistake', async () => {
  const written: CampaignInput = {
    ...EMPTY_INPUT,
    name: 'Spring',
    sender_id: 'snd_1',
    body: 'Tents are here',
    footer: 'wa_me',
    texts: [{ locale: 'de', body: 'Zelte sind da' }],
  };
  const seen: CampaignInput[] = [];
  const Around = () => {
    const [input, setInput] = useState(written);
    seen.push(input);
    const sources = { whatsapp: [] as unknown[] } as Sources;
    return <ChannelChoice input={input} onChange={setInput} sources={sources} />;
  };
  render(
    <AppTheme>
      <Around />
    </AppTheme>,
  );
  await userEvent.click(screen.getByTestId('campaign-channel-whatsapp'));
  expect(seen.at(-1)).toMatchObject({ body: '', sender_id: null, template: { name: '' } });
  await userEvent.click(screen.getByTestId('campaign-channel-sms'));
  expect(seen.at(-1)).toEqual(written);
});
