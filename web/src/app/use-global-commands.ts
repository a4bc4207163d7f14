import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { keys } from '@/api/query-keys';
import type { PresenceStatus } from '@/api/types';
import type { Me } from '@/features/auth';
import { choosePresence } from '@/features/presence';
import { useRegisterCommands } from '@/lib/hotkeys';
import { useScheme } from '@/ui';
import { placesFor } from './Rail';

const PLACE_KEYS: Record<string, string> = {
  '/inbox': 'g i',
  '/search': 'g f',
  '/campaigns': 'g p',
  '/contacts': 'g c',
  '/consent': 'g o',
  '/segments': 'g e',
  '/setup': 'g s',
};

const STATUS_COMMANDS: { status: PresenceStatus; label: string; keys?: string }[] = [
  { status: 'available', label: 'Set me Available', keys: 'mod+shift+a' },
  { status: 'busy', label: 'Set me Busy' },
  { status: 'away', label: 'Set me Away' },
  { status: 'offline', label: 'Set me Offline' },
];

/** What can be done on every page. */
export function useGlobalCommands(open: (overlay: 'palette' | 'keys') => void): void {
  const navigate = useNavigate();
  const cache = useQueryClient();
  const { choose } = useScheme();
  const role = cache.getQueryData<Me>(keys.me)?.user.role ?? 'agent';
  const places = placesFor(role);
  const sends = places.some((place) => place.to === '/campaigns');
  const imports = role === 'admin' || role === 'marketer';
  const talks = role !== 'marketer';
  useRegisterCommands([
    ...places.map((place) => ({
      id: `go${place.to}`,
      label: `Go to ${place.label}`,
      group: 'Go',
      ...(PLACE_KEYS[place.to] === undefined ? {} : { keys: PLACE_KEYS[place.to] as string }),
      run: () => void navigate({ to: place.to }),
    })),
    {
      id: 'go/tables',
      label: 'Go to Data tables',
      group: 'Go',
      keys: 'g t',
      run: () => void navigate({ to: '/tables' }),
    },
    ...(sends
      ? [
          {
            id: 'campaign.new',
            label: 'New campaign',
            group: 'Create',
            run: () => void navigate({ to: '/campaigns/new' }),
          },
        ]
      : []),
    ...(imports
      ? [
          {
            id: 'import.new',
            label: 'Import contacts',
            group: 'Create',
            run: () => void navigate({ to: '/imports/new' }),
          },
        ]
      : []),
    ...(talks
      ? STATUS_COMMANDS.map((each) => ({
          id: `presence.${each.status}`,
          label: each.label,
          group: 'Status',
          ...(each.keys === undefined ? {} : { keys: each.keys }),
          run: () => void choosePresence(each.status),
        }))
      : []),
    { id: 'scheme.light', label: 'Light appearance', group: 'View', run: () => choose('light') },
    { id: 'scheme.dark', label: 'Dark appearance', group: 'View', run: () => choose('dark') },
    {
      id: 'scheme.auto',
      label: 'Appearance of the system',
      group: 'View',
      run: () => choose('auto'),
    },
    {
      id: 'palette',
      label: 'Search and commands',
      group: 'Help',
      keys: 'mod+k',
      run: () => open('palette'),
    },
    { id: 'keys', label: 'Keyboard shortcuts', group: 'Help', keys: '?', run: () => open('keys') },
  ]);
}
