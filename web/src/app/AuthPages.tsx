import { useQueryClient } from '@tanstack/react-query';
import { useNavigate, useRouter, useSearch } from '@tanstack/react-router';
import { FirstRun, SignIn } from '@/features/auth';

function useEnter() {
  const cache = useQueryClient();
  const router = useRouter();
  return (to: string) => {
    cache.clear();
    router.history.push(to);
  };
}

export function SignInPage() {
  const { next } = useSearch({ from: '/sign-in' });
  const enter = useEnter();
  return <SignIn onSignedIn={() => enter(next ?? '/')} />;
}

export function FirstRunPage() {
  const { token } = useSearch({ from: '/setup' });
  const navigate = useNavigate();
  return (
    <FirstRun
      token={token ?? ''}
      onDone={() => void navigate({ to: '/setup/$section', params: { section: 'overview' } })}
    />
  );
}
