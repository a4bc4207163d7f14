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

type RecordedAction = 'grant' | 'revoke' | 'reassign' | 'correct';

const WORDING_HELP: Record<RecordedAction, string> = {
  grant: 'The sentence the person agreed to, word for word. A consent needs this or a proof.',
  revoke: 'What the person said, if known.',
  reassign: 'How you know. Every consent and subscription of the number ends.',
  correct: 'What was wrong. A consent that the mistake gave ends.',
};

export function ConsentDialog({ contactId, onClose }: { contactId: string; onClose: () => void }) {
  const cache = useQueryClient();
  const [action, setAction] = useState<RecordedAction>('grant');
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
        ...(text('expires') === ''
          ? {}
          : { expires_at: new Date(`${text('expires')}T23:59:59`).toISOString() }),
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
              onChange={(event) => setAction(event.currentTarget.value as RecordedAction)}
              data={[
                { value: 'grant', label: 'Consent was given' },
                { value: 'revoke', label: 'Consent was taken back' },
                { value: 'reassign', label: 'The number belongs to somebody else now' },
                { value: 'correct', label: 'An entry was a mistake' },
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
            description={WORDING_HELP[action]}
            name="wording"
            rows={3}
            data-testid="consent-wording"
          />
          {action === 'grant' && (
            <TextField
              label="Ends on"
              description="For a consent that holds for a time only; empty means until it is taken back."
              name="expires"
              type="date"
            />
          )}
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
