import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { setSignedOutHandler } from '@/api/client';
import { createQueryClient } from '@/api/query-client';
import { AppTheme, ErrorBoundary } from '@/ui';
import { createConsoleRouter } from './router';

const queryClient = createQueryClient();
const router = createConsoleRouter(queryClient);

setSignedOutHandler(() => {
  const { pathname, href } = router.state.location;
  if (pathname === '/sign-in' || pathname === '/setup') return;
  queryClient.clear();
  // Without a login nothing can be saved any more.
  void router.navigate({ to: '/sign-in', search: { next: href }, ignoreBlocker: true });
});

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <AppTheme>
        <ErrorBoundary>
          <RouterProvider router={router} />
        </ErrorBoundary>
      </AppTheme>
    </QueryClientProvider>
  </StrictMode>,
);
