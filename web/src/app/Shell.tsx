import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { setSignedInAs } from '@/api/client';
import { keys } from '@/api/query-keys';
import { fetchMe } from '@/features/auth';
import { keepAttachmentsOf } from '@/features/conversation';
import { OfferTray, useOfflineNotice } from '@/features/presence';
import { keepDraftsOf } from '@/lib/drafts';
import { startHotkeys } from '@/lib/hotkeys';
import { resetLive, resumeOutbox, startLive } from '@/live';
import { Announcer, ErrorBoundary, Failure } from '@/ui';
import { CommandPalette } from './CommandPalette';
import { OfflineBanner } from './OfflineBanner';
import { Rail } from './Rail';
import css from './shell.module.css';
import { ShortcutSheet } from './ShortcutSheet';
import { UnsavedGuard } from './UnsavedGuard';
import { useAlerts } from './use-alerts';
import { useGlobalCommands } from './use-global-commands';
import { useCacheRefresh } from './use-cache-refresh';

/** Frame of every signed-in page: rail, live connection, offers, palette. */
export function Shell() {
  const { data: me } = useQuery({
    queryKey: keys.me,
    queryFn: ({ signal }) => fetchMe(signal),
    staleTime: Infinity,
  });
  const userId = me?.user.id;
  const problem = useLiveConnection(userId);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const navigate = useNavigate();
  const cache = useQueryClient();
  const [overlay, setOverlay] = useState<'palette' | 'keys' | null>(null);
  useGlobalCommands(setOverlay);
  useCacheRefresh(cache);
  useAlerts(path);
  useOfflineNotice();
  useEffect(startHotkeys, []);

  if (me === undefined) return null;
  return (
    <div className={css.shell}>
      <a href="#main" className={css.skip}>
        Skip to content
      </a>
      <Rail user={me.user} workspace={me.workspace} onPalette={() => setOverlay('palette')} />
      <div className={css.content}>
        <OfflineBanner />
        <div className={css.outlet}>
          {problem === null ? (
            <ErrorBoundary resetKey={path}>
              <Outlet />
            </ErrorBoundary>
          ) : (
            <Failure error={problem} onRetry={() => window.location.reload()} />
          )}
        </div>
      </div>
      <OfferTray
        onAccepted={(sessionId) =>
          void navigate({ to: '/inbox/$sessionId', params: { sessionId } })
        }
      />
      {overlay === 'palette' && <CommandPalette onClose={() => setOverlay(null)} />}
      {overlay === 'keys' && <ShortcutSheet onClose={() => setOverlay(null)} />}
      <UnsavedGuard />
      <Announcer />
    </div>
  );
}

/** Starts the live connection for this user; answers with the reason if it cannot start at all. */
function useLiveConnection(userId: string | undefined): unknown {
  const [problem, setProblem] = useState<unknown>(null);
  useEffect(() => {
    if (userId === undefined) return;
    setSignedInAs(userId);
    keepDraftsOf(userId);
    keepAttachmentsOf(userId);
    let left = false;
    let stop: (() => void) | undefined;
    startLive(userId).then(
      (stopLive) => {
        if (left) stopLive();
        else {
          stop = stopLive;
          resumeOutbox();
        }
      },
      (error: unknown) => {
        if (!left) setProblem(error);
      },
    );
    return () => {
      left = true;
      stop?.();
      setSignedInAs(null);
      resetLive();
    };
  }, [userId]);
  return problem;
}
