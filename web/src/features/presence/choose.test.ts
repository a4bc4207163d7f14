// @vitest-environment happy-dom
import { afterEach, expect, it, vi } from 'vitest';
import type { Presence } from '@/api/types';
import { changeLive, resetLive, useLive } from '@/live';
import * as api from './api';
import { choosePresence } from './choose';

vi.mock('./api', () => ({ setPresence: vi.fn() }));

afterEach(() => resetLive());

it('does not take back the work that was offered while the answer was on its way', async () => {
  const presence = (load: number, status: Presence['status']): Presence => ({
    status,
    capacity: 5,
    load,
    updated_at: '2026-11-28T07:00:00.000Z',
  });
  changeLive((data) => ({ ...data, presence: presence(0, 'offline') }));
  vi.mocked(api.setPresence).mockImplementation(() => {
    changeLive((data) => ({ ...data, presence: presence(1, 'available') }));
    return Promise.resolve(presence(0, 'available'));
  });
  await choosePresence('available');
  expect(useLive.getState().presence).toEqual(presence(1, 'available'));
});
