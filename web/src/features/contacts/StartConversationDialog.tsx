import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { newKey } from '@/api/client';
import { ApiError, errorWords } from '@/api/errors';
import { keys } from '@/api/query-keys';
import type { FilledTemplate, Template } from '@/api/template-types';
import type { Contact } from '@/api/types';
import { languageOf } from '@/lib/languages';
import { changeLive, putSession } from '@/live';
import {
  beginning,
  isComplete,
  NO_FILLING,
  SlotFields,
  TemplatePreview,
  toContent,
} from '@/shared/templates';
import { useLive } from '@/live';
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
} from '@/ui';
import { fetchAllTemplates, startConversation } from './api';

/** WhatsApp takes no line breaks, tabs or rows of spaces in a value. */
const inOneLine = (text: string) => text.split(/\s+/).filter(Boolean).join(' ');

/**
 * What is known of the contact goes into the fields at once; the name into the first text where nothing else is said. A
 * code is nobody's name.
 */
function filledFor(template: Template, contact: Contact, agent: string): FilledTemplate {
  const known: Record<string, string | null | undefined> = {
    ...contact,
    attributes: undefined,
    'agent.name': agent,
  };
  const first = template.slots.find((slot) => slot.kind === 'text' && slot.key.startsWith('body.'));
  const values: Record<string, string> = {};
  if (first !== undefined && template.defaults.length === 0)
    values[first.key] = inOneLine(contact.first_name ?? '');
  for (const { slot, source, fallback } of template.defaults) {
    const name = source.replace(/^contact\./, '');
    const attribute = name.replace(/^attributes\./, '');
    const found = attribute === name ? known[name] : contact.attributes[attribute];
    values[slot] = inOneLine(found ?? '') || inOneLine(fallback);
  }
  return { ...template, values };
}

/** An agent writes first: an approved template, after which the conversation is theirs. */
export function StartConversationDialog(props: { contact: Contact; onClose: () => void }) {
  const { contact, onClose } = props;
  const navigate = useNavigate();
  const agent = useLive(({ user }) => user?.name ?? '');
  const [chosen, setChosen] = useState('');
  const [filling, setFilling] = useState(NO_FILLING);
  const [clientId, setClientId] = useState(newKey);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const query = useQuery({
    queryKey: keys.templates('all'),
    queryFn: ({ signal }) => fetchAllTemplates(signal),
  });
  const templates = (query.data?.data ?? []).filter(
    (each) => each.status.toLowerCase() === 'approved',
  );
  const known = templates.find((each) => each.id === chosen);
  const template = known === undefined ? undefined : filledFor(known, contact, agent);
  const choose = (id: string) => {
    setChosen(id);
    const next = templates.find((each) => each.id === id);
    setFilling(next === undefined ? NO_FILLING : beginning(filledFor(next, contact, agent)));
  };
  const complete = template !== undefined && isComplete(template, filling);
  const submit = async () => {
    if (template === undefined) return;
    setBusy(true);
    setProblem(null);
    try {
      const session = await startConversation(contact.id, template.channel_id, {
        ...toContent(template, filling),
        client_id: clientId,
      });
      changeLive((data) => putSession(data, session));
      onClose();
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
                label: `${each.name.replaceAll('_', ' ')} (${languageOf(each.language)})`,
              })),
            ]}
            onChange={(event) => choose(event.currentTarget.value)}
            data-testid="start-template"
          />
        )}
        {template !== undefined && (
          <>
            <SlotFields
              key={template.id}
              template={template}
              filling={filling}
              onChange={setFilling}
            />
            <TemplatePreview template={template} filling={filling} />
          </>
        )}
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
