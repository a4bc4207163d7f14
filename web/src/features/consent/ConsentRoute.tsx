import { useNavigate, useParams } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
import { keys } from '@/api/query-keys';
import { ChoiceTabs, Page } from '@/ui';
import { fetchReviews } from './api';
import css from './consent.module.css';
import { ProgrammesSection } from './ProgrammesSection';
import { ReviewQueue } from './ReviewQueue';
import { SettingsSection } from './SettingsSection';
import { SuppressionsSection } from './SuppressionsSection';
import { WordsSection } from './WordsSection';

const SECTIONS = ['reviews', 'programmes', 'words', 'suppressions', 'settings'] as const;
type Section = (typeof SECTIONS)[number];

export function ConsentRoute() {
  const { section } = useParams({ strict: false });
  const navigate = useNavigate();
  const current: Section = SECTIONS.find((each) => each === section) ?? 'reviews';
  const open = useQuery({
    queryKey: keys.consentReviews('open'),
    queryFn: ({ signal }) => fetchReviews('open', null, signal),
    refetchInterval: 30_000,
  });
  const found = open.data;
  const count = found && `${found.data.length}${found.next_cursor === null ? '' : '+'}`;
  return (
    <Page
      title="Consent"
      subtitle="Who may be messaged: possible opt-outs, programmes people join by text, and the words that count."
    >
      <div className={css.tabs}>
        <ChoiceTabs
          label="Part of consent"
          value={current}
          onChange={(value) =>
            void navigate({ to: '/consent/$section', params: { section: value } })
          }
          items={[
            {
              value: 'reviews',
              label: 'To review',
              ...(count === undefined ? {} : { count }),
              testId: 'consent-reviews',
            },
            { value: 'programmes', label: 'Programmes', testId: 'consent-programmes' },
            { value: 'words', label: 'Words', testId: 'consent-words' },
            { value: 'suppressions', label: 'Suppression list', testId: 'consent-suppressions' },
            { value: 'settings', label: 'Opt-out settings', testId: 'consent-settings' },
          ]}
        />
      </div>
      {current === 'reviews' && <ReviewQueue />}
      {current === 'programmes' && <ProgrammesSection />}
      {current === 'words' && <WordsSection />}
      {current === 'suppressions' && <SuppressionsSection />}
      {current === 'settings' && <SettingsSection />}
    </Page>
  );
}
