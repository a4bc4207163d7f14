import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { newKey } from '@/api/client';
import { ApiError, errorWords } from '@/api/errors';
import { keys } from '@/api/query-keys';
import type { Contact, Template } from '@/api/types';
import { changeLive, putSession } from '@/live';
import {
  Button,
  Dialog,
  DialogActions,
  EmptyState,
  Failure,
  Notice,
  SelectField,
  SkeletonRows,
  Stack,
  TextField,
} from '@/ui';
import { fetchAllTemplates, startConversation } from './api';

const hasOwnFiles = (template: Template) =>
  template.cards.every((card) => card.header_media_id !== null);

/** An agent writes first: an approved template, after which the conversation is theirs. */
export function StartConversationDialog(props: { contact: Contact; onClose: () => void }) {
  const { contact, onClose } = props;
  const navigate = useNavigate();
  const [chosen, setChosen] = useState('');
  const [values, setValues] = useState<string[]>([]);
  const [clientId, setClientId] = useState(newKey);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const query = useQuery({
    queryKey: keys.templates('all'),
    queryFn: ({ signal }) => fetchAllTemplates(signal),
  });
  // What takes more than values of its text is sent from the conversation.
  const templates = (query.data?.data ?? []).filter(
    (each) =>
      each.status.toLowerCase() === 'approved' &&
      each.slots.every(
        (slot) => !slot.key.startsWith('card.') || (slot.kind === 'file' && hasOwnFiles(each)),
      ) &&
      each.slots.every((slot) => slot.kind !== 'moment'),
  );
  const template = templates.find((each) => each.id === chosen);
  const choose = (id: string) => {
    setChosen(id);
    const count = templates.find((each) => each.id === id)?.parameter_count ?? 0;
    setValues(
      Array.from({ length: count }, (_, at) => (at === 0 ? (contact.first_name ?? '') : '')),
    );
  };
  const complete = template !== undefined && values.every((value) => value.trim() !== '');
  const submit = async () => {
    if (template === undefined) return;
    setBusy(true);
    setProblem(null);
    try {
      const session = await startConversation(contact.id, template, values, clientId);
      changeLive((data) => putSession(data, session));
      await navigate({ to: '/inbox/$sessionId', params: { sessionId: session.id } });
    } catch (error) {
      // What was refused is answered the same again for the same key, whatever it is sent with.
      if (error instanceof ApiError && !error.retryable && error.code !== 'idempotency_in_flight') {
        setClientId(newKey());
      }
      setProblem(errorWords(error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog title="Start a WhatsApp conversation" onClose={onClose}>
      <Stack gap={12}>
        {query.isPending && <SkeletonRows rows={2} />}
        {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
        {query.isSuccess && templates.length === 0 && (
          <EmptyState title="No approved template">
            WhatsApp lets a business write first only with an approved template.
          </EmptyState>
        )}
        {templates.length > 0 && (
          <SelectField
            label="Template"
            value={chosen}
            data={[
              { value: '', label: 'Choose a template' },
              ...templates.map((each) => ({
                value: each.id,
                label: `${each.name.replaceAll('_', ' ')} (${each.language})`,
              })),
            ]}
            onChange={(event) => choose(event.currentTarget.value)}
            data-testid="start-template"
          />
        )}
        {template !== undefined && <p>{template.body}</p>}
        {values.map((value, at) => (
          <TextField
            key={at}
            label={`Value for {{${at + 1}}}`}
            value={value}
            data-testid="start-parameter"
            onChange={(event) => {
              const said = event.currentTarget.value;
              setValues(values.map((each, index) => (index === at ? said : each)));
            }}
          />
        ))}
        {problem !== null && (
          <Notice tone="bad" live="alert">
            {problem}
          </Notice>
        )}
        <DialogActions>
          <Button emphasis="secondary" onClick={onClose}>
            Cancel
          </Button>
          <Button
            loading={busy}
            disabled={!complete}
            onClick={() => void submit()}
            data-testid="start-send"
          >
            Send
          </Button>
        </DialogActions>
      </Stack>
    </Dialog>
  );
}
