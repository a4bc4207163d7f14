import type { AtQuietHours, CampaignRules } from '@/api/policy-types';
import type { Programme } from '@/api/types';
import { Card, SelectField, TextField } from '@/ui';
import css from './editor.module.css';

interface RulesCardProps {
  rules: CampaignRules;
  onChange: (rules: CampaignRules) => void;
  programmes: Programme[];
}

/** What becomes of messages that fall into quiet hours, and which caps count the campaign. */
export function RulesCard({ rules, onChange, programmes }: RulesCardProps) {
  const set = (change: Partial<CampaignRules>) => onChange({ ...rules, ...change });
  return (
    <Card
      title="Quiet hours and series"
      description="Quiet hours and caps are set in Setup, Policy. They hold for every campaign."
    >
      <div className={css.two}>
        <SelectField
          label="A message that falls into quiet hours"
          description="Discarded ones are counted with that reason."
          value={rules.at_quiet_hours ?? ''}
          data={[
            { value: '', label: 'As the workspace says' },
            { value: 'hold', label: 'waits until they are over' },
            { value: 'discard', label: 'is discarded' },
          ]}
          onChange={(event) => {
            const value = event.currentTarget.value;
            set({ at_quiet_hours: value === '' ? null : (value as AtQuietHours) });
          }}
          data-testid="rules-quiet"
        />
        <TextField
          label="Label"
          description="Such as Newsletter. A cap can count the messages of a label."
          value={rules.label ?? ''}
          maxLength={60}
          onChange={(event) => {
            const label = event.currentTarget.value;
            set({ label: label === '' ? null : label });
          }}
          data-testid="rules-label"
        />
        {programmes.length > 0 && (
          <SelectField
            label="In the name of a programme"
            description="Counts against the programme’s caps; it does not choose who gets it."
            value={rules.programme_id ?? ''}
            data={[
              { value: '', label: 'None' },
              ...programmes.map((each) => ({ value: each.id, label: each.name })),
            ]}
            onChange={(event) => {
              const value = event.currentTarget.value;
              set({ programme_id: value === '' ? null : value });
            }}
            data-testid="rules-programme"
          />
        )}
      </div>
    </Card>
  );
}
