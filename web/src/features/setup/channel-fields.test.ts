import { describe, expect, it } from 'vitest';
import type { Channel } from '@/api/types';
import { channelFacts } from './channel-facts';
import { readConfig } from './channel-fields';
import { readTaggedLines, taggedLines } from './smpp-fields';

function form(values: Record<string, string>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(values)) data.set(name, value);
  return data;
}

describe('readConfig', () => {
  it('sends a number as digits, app secrets as a list and no empty secret', () => {
    expect(
      readConfig(
        'whatsapp',
        form({
          display_phone_number: '+1 555 010 0100',
          waba_id: '10',
          app_secrets: 's1',
          access_token: '',
        }),
      ),
    ).toEqual({
      display_phone_number: '15550100100',
      waba_id: '10',
      portfolio_id: '',
      app_secrets: ['s1'],
    });
  });

  it('sends figures as numbers and nothing of the other kind', () => {
    expect(readConfig('smpp', form({ host: 'h', port: '2775', waba_id: '10' }))).toEqual({
      host: 'h',
      port: 2775,
    });
  });

  it('sends an emptied optional setting, so that it is taken away, but no empty secret', () => {
    expect(
      readConfig(
        'twilio',
        form({ account_sid: 'AC1', messaging_service_sid: '', secondary_auth_token: '' }),
      ),
    ).toEqual({ account_sid: 'AC1', messaging_service_sid: '' });
  });

  it('empties what may be empty, and reads optional fields by their lines', () => {
    expect(
      readConfig(
        'smpp',
        form({
          plain_coding: '',
          source_ton: '5',
          service_type: '',
          registered_delivery: '2',
          fields: '0x1400 = 1101=2\n\n5121 = hex:0a0b\nnonsense',
        }),
      ),
    ).toEqual({
      plain_coding: null,
      source_ton: 5,
      service_type: '',
      registered_delivery: 2,
      fields: [
        { tag: 0x1400, text: '1101=2' },
        { tag: 5121, hex: '0a0b' },
        { tag: 'nonsense', text: '' },
      ],
    });
  });

  it('shows optional fields as the lines they are read from', () => {
    const fields = [
      { tag: 0x1400, text: '1101' },
      { tag: 5121, hex: '0a0b' },
    ];
    expect(taggedLines(fields)).toBe('0x1400 = 1101\n0x1401 = hex:0a0b');
    expect(readTaggedLines(taggedLines(fields))).toEqual(fields);
  });
});

describe('channelFacts', () => {
  const channel = (kind: Channel['kind'], config: Record<string, unknown>) =>
    ({ kind, config }) as Channel;

  it('names settings as the form does, in its order, and shows no raw name', () => {
    const facts = channelFacts(
      channel('whatsapp', {
        base_url: 'https://graph.facebook.com',
        waba_id: '10',
        portfolio_id: '',
        verify_token: 'secret',
        unheard_of: 'x',
      }),
    );
    expect(facts.map((fact) => [fact.label, fact.value])).toEqual([
      ['Business account ID', '10'],
      ['API address', 'https://graph.facebook.com'],
    ]);
    expect(facts.every((fact) => fact.hint !== undefined)).toBe(true);
  });

  it('shows choices in words', () => {
    expect(channelFacts(channel('smpp', { tls: 'off' }))).toMatchObject([
      { label: 'Encryption', value: 'None' },
    ]);
  });
});
