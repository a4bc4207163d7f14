import { useState } from 'react';
import type { TemplateDefault } from '@/api/template-types';
import type { Template } from '@/api/types';
import { Button, Dialog, DialogActions, Notice, notify, SelectField, Stack, TextField } from '@/ui';
import { saveDefaults } from './api';
import css from './templates.module.css';
import { SOURCES } from './words';

const OTHER = 'contact.attributes.';

/** What fills the variables when an agent picks the template. */
export function DefaultsDialog({ template, onClose }: { template: Template; onClose: () => void }) {
  const slots = template.slots.filter(
    ({ kind }) => kind !== 'file' && kind !== 'place' && kind !== 'moment',
  );
  const [defaults, setDefaults] = useState<TemplateDefault[]>(() =>
    slots.map(
      (slot) =>
        template.defaults.find((each) => each.slot === slot.key) ?? {
          slot: slot.key,
          source: '',
          fallback: '',
        },
    ),
  );
  const [busy, setBusy] = useState<'idle' | 'saving'>('idle');
  const set = (index: number, changed: Partial<TemplateDefault>) =>
    setDefaults((now) => now.map((each, at) => (at === index ? { ...each, ...changed } : each)));
  const save = async () => {
    setBusy('saving');
    try {
      await saveDefaults(
        template.id,
        defaults.filter((each) => each.source !== '' || each.fallback.trim() !== ''),
      );
      notify.done('Saved');
      onClose();
    } catch (error) {
      notify.failure(error);
      setBusy('idle');
    }
  };
  return (
    <Dialog title={`What fills ${template.name}`} onClose={onClose} size="lg">
      <Stack gap={12}>
        <p>
          When an agent chooses the template, each value is taken from the record; where the field
          is empty, the text beside it stands there. The agent can change it.
        </p>
        {slots.length === 0 && <Notice tone="info">This template takes no values.</Notice>}
        {defaults.map((each, index) => {
          const isAttribute = each.source.startsWith(OTHER);
          return (
            <div key={each.slot} className={css.pair}>
              <SelectField
                label={slots[index]?.label ?? each.slot}
                data={[
                  ...SOURCES.map(([value, label]) => ({ value, label })),
                  { value: OTHER, label: 'Contact: another attribute' },
                ]}
                value={isAttribute ? OTHER : each.source}
                onChange={(event) => set(index, { source: event.currentTarget.value })}
                data-testid="default-source"
              />
              {isAttribute && (
                <TextField
                  label="Name of the attribute"
                  value={each.source.slice(OTHER.length)}
                  onChange={(event) => set(index, { source: OTHER + event.currentTarget.value })}
                />
              )}
              <TextField
                label="Where it is empty"
                value={each.fallback}
                onChange={(event) => set(index, { fallback: event.currentTarget.value })}
                data-testid="default-fallback"
              />
            </div>
          );
        })}
      </Stack>
      <DialogActions>
        <Button emphasis="secondary" onClick={onClose}>
          Cancel
        </Button>
        <Button
          loading={busy === 'saving'}
          disabled={slots.length === 0}
          onClick={() => void save()}
          data-testid="defaults-save"
        >
          Save
        </Button>
      </DialogActions>
    </Dialog>
  );
}
