import { ApiError, errorWords } from '@/api/errors';
import { Notice } from '@/ui';

/** Why signing in did not work. A sentence of the server stands alone; it says it all. */
export function Refusal({ error }: { error: unknown }) {
  const words = errorWords(error);
  const complete = error instanceof ApiError && error.detail !== null;
  return (
    <Notice tone="bad" live="alert" {...(complete ? {} : { title: words.title })}>
      {words.message}
    </Notice>
  );
}
