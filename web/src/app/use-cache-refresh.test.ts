import { describe, expect, it } from 'vitest';
import type { LiveEvent } from '@/api/events';
import { keys } from '@/api/query-keys';
import { message, session } from '@/live/fixtures';
import { staleKeys } from './use-cache-refresh';

describe.each(['message.created', 'message.updated'] as const)('%s', (type) => {
  const event = (media: unknown) =>
    ({
      type,
      seq: 1,
      at: '2026-03-01T12:00:00.000Z',
      data: { session: session({ id: 'ses_7' }), message: message('msg_1', { media } as never) },
    }) as LiveEvent;

  it('makes the panel of its customer old', () => {
    expect(staleKeys(event(null))).toEqual([keys.panel('ses_7')]);
  });

  it('makes lists of files old when it has one', () => {
    expect(staleKeys(event({ id: 'med_1' }))).toEqual([keys.panel('ses_7'), keys.allFiles]);
  });
});
