import { useState, type FormEvent } from 'react';
import { ApiError } from '@/api/errors';
import { Button, Dialog, DialogActions, notify, SelectField, TextField } from '@/ui';
import { testSend } from './api';

interface TestSendDialogProps {
  campaignId: string;
  /** Names of the variants of the text; none when there is one text. */
  variants: string[];
  /** Makes sure that the server knows the newest text. */
  before: () => Promise<void>;
  onClose: () => void;
}

export function TestSendDialog({ campaignId, variants, before, onClose }: TestSendDialogProps) {
  const [phone, setPhone] = useState('');
  const [variant, setVariant] = useState(variants[0] ?? null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await before();
      await testSend(campaignId, phone.trim(), variant);
      notify.done('Test is on its way', `The text goes to ${phone.trim()}.`);
      onClose();
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : 'The test could not be sent.');
      setBusy(false);
    }
  };
  return (
    <Dialog title="Send a test" onClose={onClose} size="sm">
      <form onSubmit={(event) => void submit(event)}>
        {variant !== null && (
          <SelectField
            label="Which text"
            value={variant}
            data={variants.map((name) => ({ value: name, label: name }))}
            onChange={(event) => setVariant(event.currentTarget.value)}
            data-testid="test-variant"
          />
        )}
        <TextField
          label="Phone number"
          description="Your own, with country code. The test does not count in the funnel."
          type="tel"
          autoComplete="tel"
          placeholder="+1 555 010 0123"
          value={phone}
          error={problem}
          required
          withAsterisk={false}
          data-autofocus
          data-testid="test-phone"
          onChange={(event) => setPhone(event.currentTarget.value)}
        />
        <DialogActions>
          <Button emphasis="secondary" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={busy} data-testid="test-send">
            Send test
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
