import type { CustomerPanel, Session } from '@/api/types';
import { languageChoices, languageOf } from '@/lib/languages';
import { useLive } from '@/live';
import { SelectField } from '@/ui';
import { setLanguage } from './api';
import css from './customer.module.css';
import { PanelSection } from './PanelSection';
import { useAct } from './use-act';

const DETECT = 'detect';

/** Why this language: the order is the server's. */
function origin(panel: CustomerPanel): string {
  const { language } = panel;
  const own = panel.contact?.locale ?? null;
  if (language?.by === 'person')
    return `${languageOf(language.language)}, as a colleague said. Nothing that is detected changes it.`;
  if (own !== null) return `${languageOf(own)}, from the contact.`;
  if (language !== null)
    return `${languageOf(language.language)}, from what the customer wrote${
      language.certainty === null ? '' : `, ${language.certainty} % certain`
    }.`;
  return 'Not known yet. It shows when the customer has written enough.';
}

/** The language that automatic messages, bots and templates follow, and the way to correct it. */
export function LanguageSection({ session, panel }: { session: Session; panel: CustomerPanel }) {
  const { busy, act } = useAct(session.id);
  const me = useLive((state) => state.user);
  const mayChange =
    me !== null && (me.role === 'admin' || me.role === 'supervisor' || session.agent?.id === me.id);
  const said = panel.language?.by === 'person' ? panel.language.language : null;
  return (
    <PanelSection title="Language" testId="panel-language">
      <p className={css.small} data-testid="customer-language">
        {origin(panel)}
      </p>
      {mayChange && (
        <SelectField
          label="Write to the customer in"
          size="xs"
          value={said ?? DETECT}
          disabled={busy}
          data={[{ value: DETECT, label: 'What is known of them' }, ...languageChoices(said)]}
          onChange={(event) => {
            const value = event.currentTarget.value;
            void act(() => setLanguage(session.id, value === DETECT ? null : value));
          }}
          data-testid="language-choose"
        />
      )}
    </PanelSection>
  );
}
