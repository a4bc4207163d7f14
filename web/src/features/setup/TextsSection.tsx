import { Stack } from '@/ui';
import { MmsPriceCard } from './MmsPriceCard';
import { OptOutLineCard } from './OptOutLineCard';
import { SnippetsCard } from './SnippetsCard';

/** What campaign texts are made of beside what their authors write. */
export function TextsSection() {
  return (
    <Stack>
      <OptOutLineCard />
      <SnippetsCard />
      <MmsPriceCard />
    </Stack>
  );
}
