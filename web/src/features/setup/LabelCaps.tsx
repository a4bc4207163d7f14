import { IconPlus, IconX } from '@tabler/icons-react';
import type { CapPeriod, LabelCap } from '@/api/policy-types';
import { PERIODS } from '@/lib/caps';
import { Button, IconButton, SelectField, TextField } from '@/ui';
import css from './setup.module.css';

interface LabelCapsProps {
  caps: LabelCap[];
  onChange: (caps: LabelCap[]) => void;
}

/** Most messages to one person of the campaigns with a label. */
export function LabelCaps({ caps, onChange }: LabelCapsProps) {
  const set = (place: number, change: Partial<LabelCap>) =>
    onChange(caps.map((each, at) => (at === place ? { ...each, ...change } : each)));
  return (
    <fieldset className={css.members}>
      <legend>Caps of labels</legend>
      <p>
        Of the campaigns with a label, beside the caps above. Programmes have caps of their own.
      </p>
      {caps.map((cap, place) => (
        <div key={place} className={css.span} data-testid="label-cap">
          <TextField
            label="Label"
            value={cap.label}
            maxLength={60}
            onChange={(event) => set(place, { label: event.currentTarget.value })}
          />
          <TextField
            label="Messages at most"
            type="number"
            min={1}
            max={100}
            value={cap.messages}
            onChange={(event) => set(place, { messages: Number(event.currentTarget.value) })}
          />
          <SelectField
            label="Period"
            value={cap.period}
            data={PERIODS}
            onChange={(event) => set(place, { period: event.currentTarget.value as CapPeriod })}
          />
          <IconButton
            label={`Remove the cap of ${cap.label === '' ? 'this label' : cap.label}`}
            onClick={() => onChange(caps.filter((_, at) => at !== place))}
          >
            <IconX size={16} />
          </IconButton>
        </div>
      ))}
      <div>
        <Button
          emphasis="secondary"
          size="xs"
          leftSection={<IconPlus size={14} />}
          onClick={() => onChange([...caps, { label: '', messages: 1, period: 'week' }])}
          data-testid="label-cap-add"
        >
          Add a cap of a label
        </Button>
      </div>
    </fieldset>
  );
}
