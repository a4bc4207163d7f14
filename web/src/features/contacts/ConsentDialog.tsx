import { useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { keys } from '@/api/query-keys';
import { CLAIMABLE_METHODS } from '@/lib/consent';
import {
  Button,
  Dialog,
  DialogActions,
  notify,
  SelectField,
  Stack,
  TextArea,
  TextField,
} from '@/ui';
import { addConsentEvent, type ConsentInput } from './api';
import css from './contacts.module.css';

export function ConsentDialog({ contactId, onClose }: { contactId: string; onClose: () => void }) {
  const cache = useQueryClient();
  const [action, setAction] = useState<'grant' | 'revoke'>('grant');
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? '').trim();
    setBusy(true);
    try {
      await addConsentEvent(contactId, {
        channel: text('channel') as ConsentInput['channel'],
        purpose: text('purpose') as ConsentInput['purpose'],
        action,
        method: text('method') as ConsentInput['method'],
        ...(text('wording') === '' ? {} : { wording: text('wording') }),
        ...(text('proof') === '' ? {} : { proof: text('proof') }),
      });
      notify.done('Entry added');
      void cache.invalidateQueries({ queryKey: keys.contacts });
      onClose();
    } catch (error) {
      notify.failure(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title="Add a consent entry" onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <Stack gap={12}>
          <div className={css.two}>
            <SelectField
              label="What happened"
              value={action}
              onChange={(event) => setAction(event.currentTarget.value as 'grant' | 'revoke')}
              data={[
                { value: 'grant', label: 'Consent was given' },
                { value: 'revoke', label: 'Consent was taken back' },
              ]}
              data-testid="consent-action"
            />
            <SelectField
              label="Channel"
              name="channel"
              data={[
                { value: 'sms', label: 'SMS' },
                { value: 'whatsapp', label: 'WhatsApp' },
              ]}
              data-testid="consent-channel"
            />
            <SelectField
              label="For"
              name="purpose"
              data={[
                { value: 'marketing', label: 'Marketing' },
                { value: 'service', label: 'Service' },
              ]}
            />
            <SelectField label="How" name="method" data={CLAIMABLE_METHODS} />
          </div>
          <TextArea
            label="Wording"
            description={
              action === 'grant'
                ? 'The sentence the person agreed to, word for word. A consent needs this or a proof.'
                : 'What the person said, if known.'
            }
            name="wording"
            rows={3}
            data-testid="consent-wording"
          />
          <TextField
            label="Proof"
            description="Where it can be found: form number, recording, page and time."
            name="proof"
            data-testid="consent-proof"
          />
        </Stack>
        <DialogActions>
          <Button emphasis="secondary" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={busy} data-testid="consent-save">
            Add entry
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
