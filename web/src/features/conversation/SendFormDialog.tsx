import { useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { keys } from '@/api/query-keys';
import { send } from '@/live';
import {
  Button,
  Dialog,
  DialogActions,
  EmptyState,
  Failure,
  SelectField,
  SkeletonRows,
  Stack,
  TextArea,
  TextField,
} from '@/ui';
import { fetchSessionForms } from './api';

interface SendFormProps {
  sessionId: string;
  /** What was typed in the composer; it becomes the text. */
  text: string;
  onClose: () => void;
  onSent: () => void;
}

/** Offers a published form. What the customer fills in comes back into the conversation, field by field. */
export default function SendFormDialog({ sessionId, text, onClose, onSent }: SendFormProps) {
  const query = useQuery({
    queryKey: keys.sessionForms(sessionId),
    queryFn: ({ signal }) => fetchSessionForms(sessionId, signal),
  });
  const forms = query.data?.data ?? [];
  const [written, setWritten] = useState(text);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const value = (name: string) => String(data.get(name) ?? '').trim();
    const given = (name: string) => (value(name) === '' ? {} : { [name]: value(name) });
    const content = {
      kind: 'form' as const,
      form_id: value('form'),
      text: written.trim(),
      label: value('label'),
      ...given('header'),
      ...given('footer'),
    };
    send({ sessionId, content, text: content.text });
    onSent();
  };
  return (
    <Dialog title="Form" onClose={onClose} testId="form-dialog">
      {query.isPending && <SkeletonRows rows={3} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && forms.length === 0 && (
        <EmptyState title="No form can be sent">
          Forms are made and published in WhatsApp Manager. An admin takes them over in Setup under
          “Templates”.
        </EmptyState>
      )}
      {forms.length > 0 && (
        <form onSubmit={submit}>
          <Stack gap={12}>
            <SelectField
              label="Form"
              name="form"
              required
              data={forms.map((form) => ({
                value: form.id,
                label: form.name.replaceAll('_', ' '),
              }))}
              data-autofocus
              data-testid="form-choose"
            />
            <TextArea
              label="Text"
              autosize={false}
              rows={3}
              maxLength={1024}
              required
              withAsterisk={false}
              value={written}
              onChange={(event) => setWritten(event.currentTarget.value)}
              data-testid="form-text"
            />
            <TextField
              label="Button that opens it"
              name="label"
              maxLength={20}
              required
              withAsterisk={false}
              data-testid="form-label"
            />
            <TextField label="Above the text" name="header" maxLength={60} />
            <TextField label="Below the text" name="footer" maxLength={60} />
          </Stack>
          <DialogActions>
            <Button emphasis="secondary" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" disabled={written.trim() === ''} data-testid="form-submit">
              Send
            </Button>
          </DialogActions>
        </form>
      )}
    </Dialog>
  );
}
