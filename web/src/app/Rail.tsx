import {
  IconAt,
  IconChecklist,
  IconDeviceDesktop,
  IconFilter,
  IconListSearch,
  IconLogout,
  IconMessages,
  IconMoon,
  IconSearch,
  IconSettings,
  IconSpeakerphone,
  IconSun,
  IconUsers,
} from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import type { Role, User, Workspace } from '@/api/types';
import { signOut } from '@/features/auth';
import { clearAttachments } from '@/features/conversation';
import { clearDrafts } from '@/lib/drafts';
import { lostByLeaving } from '@/lib/unsaved';
import { clearOutbox, hasUnsent, useLive } from '@/live';
import { ActionMenu, Avatar, Mark, notify, useLeave, useScheme, type Scheme } from '@/ui';
import css from './shell.module.css';

const PLACES = [
  {
    to: '/inbox',
    label: 'Inbox',
    icon: IconMessages,
    testId: 'nav-inbox',
    roles: ['admin', 'supervisor', 'agent'],
  },
  {
    to: '/mentions',
    label: 'Mentions',
    icon: IconAt,
    testId: 'nav-mentions',
    roles: ['admin', 'supervisor', 'agent'],
  },
  {
    to: '/search',
    label: 'Messages',
    icon: IconListSearch,
    testId: 'nav-search',
    roles: ['admin', 'supervisor', 'agent'],
  },
  {
    to: '/campaigns',
    label: 'Campaigns',
    icon: IconSpeakerphone,
    testId: 'nav-campaigns',
    roles: ['admin', 'supervisor', 'marketer'],
  },
  { to: '/contacts', label: 'Contacts', icon: IconUsers, testId: 'nav-contacts', roles: null },
  { to: '/consent', label: 'Consent', icon: IconChecklist, testId: 'nav-consent', roles: null },
  {
    to: '/segments',
    label: 'Segments',
    icon: IconFilter,
    testId: 'nav-segments',
    roles: ['admin', 'supervisor', 'marketer'],
  },
  {
    to: '/setup',
    label: 'Setup',
    icon: IconSettings,
    testId: 'nav-setup',
    roles: ['admin', 'supervisor'],
  },
] as const;

export function placesFor(role: Role) {
  return PLACES.filter(
    (place) => place.roles === null || (place.roles as readonly Role[]).includes(role),
  );
}

const ROLE_WORDS: Record<Role, string> = {
  admin: 'Admin',
  supervisor: 'Supervisor',
  agent: 'Agent',
  marketer: 'Marketer',
};

const NEXT_SCHEME: Record<Scheme, Scheme> = { auto: 'light', light: 'dark', dark: 'auto' };
const SCHEME_WORDS: Record<Scheme, string> = { auto: 'Auto', light: 'Light', dark: 'Dark' };
const SCHEME_ICONS = { auto: IconDeviceDesktop, light: IconSun, dark: IconMoon };

/** How many are unread; nothing when there are none. */
function Count({ count }: { count: number }) {
  if (count === 0) return null;
  return (
    <span className={css.badge} aria-label={`${count} unread`}>
      {count > 99 ? '99+' : count}
    </span>
  );
}

interface RailProps {
  user: User;
  workspace: Workspace;
  onPalette: () => void;
}

export function Rail({ user, workspace, onPalette }: RailProps) {
  const unread = useLive((state) => {
    let sum = 0;
    for (const session of Object.values(state.sessions)) {
      if (session.agent?.id === user.id && session.state !== 'ended') sum += session.unread_count;
    }
    return sum;
  });
  const mentions = useLive((state) => state.unreadMentions);
  const status = useLive((state) => state.presence?.status);
  const { chosen, choose } = useScheme();
  const SchemeIcon = SCHEME_ICONS[chosen];
  const cache = useQueryClient();
  const navigate = useNavigate();
  const path = useRouterState({ select: ({ location }) => location.pathname });
  // Imports have no place of their own.
  const importing = path.startsWith('/imports');
  const places = useRef<HTMLDivElement>(null);
  // On a phone the places are swiped; the one that is shown is in sight.
  useEffect(() => {
    const current = places.current?.querySelector<HTMLElement>('[aria-current="page"]');
    current?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [path]);

  const leave = async () => {
    try {
      await signOut();
    } catch (error) {
      notify.failure(error);
      return;
    }
    clearDrafts();
    clearAttachments();
    clearOutbox();
    cache.clear();
    await navigate({ to: '/sign-in', search: {}, ignoreBlocker: true });
  };
  const [askToLeave, leaveDialog] = useLeave(
    () => void leave(),
    () => [...lostByLeaving(), ...(hasUnsent() ? ['A message that has not left yet'] : [])],
  );

  return (
    <nav className={css.rail} aria-label="Main">
      {leaveDialog}
      <span className={css.mark} title={workspace.name}>
        <Mark size={34} />
      </span>
      <div className={css.nav} ref={places}>
        {placesFor(user.role).map((place) => (
          <Link
            key={place.to}
            to={place.to}
            className={css.link}
            data-testid={place.testId}
            aria-current={importing && place.to === '/contacts' ? 'page' : undefined}
          >
            <place.icon size={21} stroke={1.7} aria-hidden="true" />
            {place.label}
            {place.to === '/inbox' && <Count count={unread} />}
            {place.to === '/mentions' && <Count count={mentions} />}
          </Link>
        ))}
      </div>
      <div className={css.bottom}>
        <button
          type="button"
          className={`${css.link} ${css.wideOnly}`}
          onClick={onPalette}
          data-testid="open-palette"
        >
          <IconSearch size={19} stroke={1.7} aria-hidden="true" />
          Search
        </button>
        <button
          type="button"
          className={`${css.link} ${css.wideOnly}`}
          onClick={() => choose(NEXT_SCHEME[chosen])}
          aria-label={`Appearance: ${SCHEME_WORDS[chosen]}`}
          data-testid="scheme-toggle"
        >
          <SchemeIcon size={19} stroke={1.7} aria-hidden="true" />
          {SCHEME_WORDS[chosen]}
        </button>
        <ActionMenu
          label={`${user.name}: your account`}
          triggerClass={css.avatar ?? ''}
          triggerTestId="account-menu"
          header={`${user.name} · ${ROLE_WORDS[user.role]} · ${workspace.name}`}
          entries={[
            {
              id: 'scheme',
              label: `Appearance: ${SCHEME_WORDS[NEXT_SCHEME[chosen]]}`,
              icon: <SchemeIcon size={16} />,
              onSelect: () => choose(NEXT_SCHEME[chosen]),
            },
            {
              id: 'sign-out',
              label: 'Sign out',
              icon: <IconLogout size={16} />,
              onSelect: askToLeave,
              testId: 'sign-out',
            },
          ]}
          trigger={
            <>
              <Avatar name={user.name} size={36} />
              <span className={css.status} data-status={status} />
            </>
          }
        />
      </div>
    </nav>
  );
}
