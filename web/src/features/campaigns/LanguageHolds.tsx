import type { LanguageHold } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import { Notice } from '@/ui';
import css from './campaigns.module.css';

/** Translations in which nothing leaves, with what becomes of those who were to get them. */
export function LanguageHolds({ languages }: { languages: LanguageHold[] }) {
  return languages.map((each) => (
    <div
      className={css.attention}
      key={each.language}
      data-testid={`language-hold-${each.language}`}
    >
      <Notice
        tone="warn"
        title={each.waits ? 'One language waits' : 'One language is not sent any more'}
        live="status"
      >
        {each.reason} Since {formatDateTime(each.since)}; the other languages go on.
      </Notice>
    </div>
  ));
}
