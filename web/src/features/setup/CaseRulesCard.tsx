import type { CaseRules } from '@/api/conversation-types';
import { Card, SelectField, Stack, TextField } from '@/ui';
import css from './setup.module.css';

interface CaseProps {
  rules: CaseRules;
  onChange: (rules: CaseRules) => void;
}

/** What the number does with cases by itself: open or take one, close it, open it again. */
export function CaseRulesCard({ rules, onChange }: CaseProps) {
  const change = (part: Partial<CaseRules>) => onChange({ ...rules, ...part });
  const opens = rules.moment !== 'never';
  return (
    <Card
      title="Cases by themselves"
      description="An agent can open a case in any conversation; here the number does it. A conversation has one case."
    >
      <Stack gap={12}>
        <div className={css.two}>
          <SelectField
            label="A conversation gets a case"
            value={rules.moment}
            data={[
              { value: 'never', label: 'Only when an agent opens one' },
              { value: 'start', label: 'When it begins' },
              { value: 'people', label: 'When it is handed to people' },
            ]}
            onChange={(event) =>
              change({ moment: event.currentTarget.value as CaseRules['moment'] })
            }
            data-testid="case-moment"
          />
          <SelectField
            label="Which"
            value={rules.choice}
            disabled={!opens}
            data={[
              { value: 'attach_or_create', label: 'The contact’s open case, else a new one' },
              { value: 'attach', label: 'The contact’s open case, else none' },
              { value: 'create', label: 'Always a new one' },
            ]}
            onChange={(event) =>
              change({ choice: event.currentTarget.value as CaseRules['choice'] })
            }
            data-testid="case-choice"
          />
        </div>
        {opens && rules.choice !== 'attach' && (
          <TextField
            label="Subject of a new case"
            description="{name} is the customer."
            value={rules.subject}
            maxLength={200}
            onChange={(event) => change({ subject: event.currentTarget.value })}
            data-testid="case-subject"
          />
        )}
        <div className={css.two}>
          <SelectField
            label="When a conversation ends by itself"
            description="An agent who ends one decides then."
            value={rules.end}
            data={[
              { value: 'keep', label: 'Leave its case open' },
              { value: 'close', label: 'Close its case' },
            ]}
            onChange={(event) => change({ end: event.currentTarget.value as CaseRules['end'] })}
            data-testid="case-end"
          />
          <TextField
            label="Open a closed case again within, days"
            description="When the customer writes so soon after it was closed; 0: never."
            type="number"
            min={0}
            max={365}
            value={rules.reopen_days}
            onChange={(event) => change({ reopen_days: Number(event.currentTarget.value) })}
            data-testid="case-reopen"
          />
        </div>
      </Stack>
    </Card>
  );
}
