import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Link,
  Outlet,
  redirect,
  useParams,
  useSearch,
} from '@tanstack/react-router';
import { keys } from '@/api/query-keys';
import { fetchMe } from '@/features/auth';
import { contactSearch } from '@/features/contacts/address';
import { EmptyState, Failure } from '@/ui';
import { FirstRunPage, SignInPage } from './AuthPages';
import { InboxPage } from './InboxPage';
import { Shell } from './Shell';

interface Context {
  queryClient: QueryClient;
}

const root = createRootRouteWithContext<Context>()({ component: Outlet });

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: (search): { next?: string } => {
    const { next } = search;
    // Only paths of our own console: anything else could lead away after the sign-in.
    return typeof next === 'string' && /^\/(?!\/)/.test(next) ? { next } : {};
  },
  component: SignInPage,
});

const firstRun = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  validateSearch: (search): { token?: string } =>
    typeof search.token === 'string' || typeof search.token === 'number'
      ? { token: String(search.token) }
      : {},
  beforeLoad: ({ search }) => {
    if (search.token === undefined) {
      throw redirect({ to: '/setup/$section', params: { section: 'overview' } });
    }
  },
  component: FirstRunPage,
});

const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  beforeLoad: async ({ context, location }) => {
    try {
      await context.queryClient.ensureQueryData({
        queryKey: keys.me,
        queryFn: ({ signal }) => fetchMe(signal),
        staleTime: Infinity,
      });
    } catch (error) {
      if ((error as { status?: number }).status !== 401) throw error;
      throw redirect({ to: '/sign-in', search: { next: location.href } });
    }
  },
  component: Shell,
  errorComponent: ({ error, reset }) => <Failure error={error} onRetry={reset} />,
});

const home = createRoute({
  getParentRoute: () => shell,
  path: '/',
  beforeLoad: ({ context }) => {
    const me = context.queryClient.getQueryData<Awaited<ReturnType<typeof fetchMe>>>(keys.me);
    throw redirect({ to: me?.user.role === 'marketer' ? '/campaigns' : '/inbox' });
  },
});

/** Shows the conversation of the route below it, so that the list stays as it is when the first one is opened. */
const inbox = createRoute({
  getParentRoute: () => shell,
  path: '/inbox',
  component: function InboxRoute() {
    const { sessionId } = useParams({ strict: false });
    const { message } = useSearch({ strict: false });
    return <InboxPage sessionId={sessionId ?? null} messageId={message ?? null} />;
  },
});

const session = createRoute({
  getParentRoute: () => inbox,
  path: '$sessionId',
  validateSearch: (search): { message?: string } =>
    typeof search.message === 'string' ? { message: search.message } : {},
});

/** What the search for messages shows, so that it can be come back to and passed on. */
interface MessageSearch {
  q?: string;
  contact?: string;
  agent?: string;
  from?: string;
  until?: string;
}

const isDay = (value: unknown): value is string =>
  typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value);

const search = createRoute({
  getParentRoute: () => shell,
  path: '/search',
  validateSearch: (search): MessageSearch => ({
    ...(typeof search.q === 'string' || typeof search.q === 'number'
      ? { q: String(search.q) }
      : {}),
    ...(typeof search.contact === 'string' ? { contact: search.contact } : {}),
    ...(typeof search.agent === 'string' ? { agent: search.agent } : {}),
    ...(isDay(search.from) ? { from: search.from } : {}),
    ...(isDay(search.until) ? { until: search.until } : {}),
  }),
  component: lazyRouteComponent(() => import('@/features/search'), 'SearchRoute'),
});

const mentions = createRoute({
  getParentRoute: () => shell,
  path: '/mentions',
  component: lazyRouteComponent(() => import('@/features/mentions'), 'MentionsRoute'),
});

const campaigns = createRoute({
  getParentRoute: () => shell,
  path: '/campaigns',
  component: lazyRouteComponent(() => import('@/features/campaigns'), 'CampaignList'),
});

const newCampaign = createRoute({
  getParentRoute: () => shell,
  path: '/campaigns/new',
  component: lazyRouteComponent(() => import('@/features/campaigns'), 'NewCampaign'),
});

const campaign = createRoute({
  getParentRoute: () => shell,
  path: '/campaigns/$campaignId',
  component: lazyRouteComponent(() => import('@/features/campaigns'), 'CampaignRoute'),
});

const contacts = createRoute({
  getParentRoute: () => shell,
  path: '/contacts',
  validateSearch: contactSearch,
  component: lazyRouteComponent(() => import('@/features/contacts'), 'ContactList'),
});

const contact = createRoute({
  getParentRoute: () => shell,
  path: '/contacts/$contactId',
  component: lazyRouteComponent(() => import('@/features/contacts'), 'ContactRoute'),
});

const segments = createRoute({
  getParentRoute: () => shell,
  path: '/segments',
  component: lazyRouteComponent(() => import('@/features/segments'), 'SegmentList'),
});

const segment = createRoute({
  getParentRoute: () => shell,
  path: '/segments/$segmentId',
  component: lazyRouteComponent(() => import('@/features/segments'), 'SegmentRoute'),
});

const tables = createRoute({
  getParentRoute: () => shell,
  path: '/tables',
  component: lazyRouteComponent(() => import('@/features/tables'), 'TableList'),
});

const table = createRoute({
  getParentRoute: () => shell,
  path: '/tables/$tableId',
  component: lazyRouteComponent(() => import('@/features/tables'), 'TableRoute'),
});

const tableImport = createRoute({
  getParentRoute: () => shell,
  path: '/tables/$tableId/import',
  component: lazyRouteComponent(() => import('@/features/imports'), 'TableImport'),
});

const duplicates = createRoute({
  getParentRoute: () => shell,
  path: '/contacts/duplicates',
  component: lazyRouteComponent(() => import('@/features/contacts'), 'DuplicateList'),
});

const merges = createRoute({
  getParentRoute: () => shell,
  path: '/contacts/merges',
  component: lazyRouteComponent(() => import('@/features/contacts'), 'MergeList'),
});

const fields = createRoute({
  getParentRoute: () => shell,
  path: '/contacts/fields',
  component: lazyRouteComponent(() => import('@/features/contacts'), 'FieldList'),
});

const imports = createRoute({
  getParentRoute: () => shell,
  path: '/imports',
  component: lazyRouteComponent(() => import('@/features/imports'), 'ImportList'),
});

const newImport = createRoute({
  getParentRoute: () => shell,
  path: '/imports/new',
  component: lazyRouteComponent(() => import('@/features/imports'), 'ImportWizard'),
});

const importRoute = createRoute({
  getParentRoute: () => shell,
  path: '/imports/$importId',
  component: lazyRouteComponent(() => import('@/features/imports'), 'ImportRoute'),
});

const consentHome = createRoute({
  getParentRoute: () => shell,
  path: '/consent',
  beforeLoad: () => {
    throw redirect({ to: '/consent/$section', params: { section: 'reviews' } });
  },
});

const consent = createRoute({
  getParentRoute: () => shell,
  path: '/consent/$section',
  component: lazyRouteComponent(() => import('@/features/consent'), 'ConsentRoute'),
});

const setup = createRoute({
  getParentRoute: () => shell,
  path: '/setup/$section',
  component: lazyRouteComponent(() => import('@/features/setup'), 'SetupRoute'),
});

const routeTree = root.addChildren([
  signIn,
  firstRun,
  shell.addChildren([
    home,
    inbox.addChildren([session]),
    mentions,
    search,
    campaigns,
    newCampaign,
    campaign,
    contacts,
    contact,
    segments,
    segment,
    tables,
    table,
    tableImport,
    duplicates,
    merges,
    fields,
    imports,
    newImport,
    importRoute,
    consentHome,
    consent,
    setup,
  ]),
]);

export function createConsoleRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree,
    context: { queryClient },
    defaultPreload: 'intent',
    defaultPreloadStaleTime: 0,
    defaultPendingMs: 400,
    defaultErrorComponent: ({ error, reset }) => <Failure error={error} onRetry={reset} />,
    defaultNotFoundComponent: () => (
      <EmptyState title="This page does not exist" action={<Link to="/">Go to the start</Link>}>
        The address may be old or mistyped.
      </EmptyState>
    ),
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>;
  }
}
