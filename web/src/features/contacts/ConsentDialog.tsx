import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { keys } from '@/api/query-keys';
import { CLAIMABLE_METHODS, TEMPLATE_CATEGORIES } from '@/lib/consent';
import { formatPhone } from '@/lib/phone';
import {
  Button,
  DateField,
  Dialog,
  DialogActions,
  Failure,
  Notice,
  notify,
  SelectField,
  Stack,
  TextArea,
  TextField,
  type Typed,
} from '@/ui';
import {
  addConsentEvent,
  fetchAddresses,
  fetchContact,
  fetchTemplateNames,
  type ConsentInput,
} from './api';
import css from './contacts.module.css';

type RecordedAction = 'grant' | 'revoke' | 'reassign' | 'correct';

const WORDING_HELP: Record<RecordedAction, string> = {
  grant: 'The sentence the person agreed to, word for word. A consent needs this or a proof.',
  revoke: 'What the person said, if known.',
  reassign: 'How you know. Every consent and subscription of the number ends.',
  correct: 'What was wrong. A consent that the mistake gave ends.',
};

const NUMBER_HELP: Record<RecordedAction, string> = {
  grant: 'The one that the person agreed with. Messages go to a number that has a consent.',
  revoke: 'The one that the person said no with. An opt-out with any number counts for all.',
  reassign: 'The one that somebody else has now.',
  correct: 'The one that the mistake was made for.',
};

type Category = keyof typeof TEMPLATE_CATEGORIES;
/** Everything, a category of templates, or one template. */
type About = 'all' | Category | 'template';

const ABOUT: { value: About; label: string }[] = [
  { value: 'all', label: 'Everything on WhatsApp' },
  ...Object.entries(TEMPLATE_CATEGORIES).map(([value, { label }]) => ({
    value: value as Category,
    label: `Only ${label.toLowerCase()} templates`,
  })),
  { value: 'template', label: 'Only one template' },
];

const ABOUT_HELP: Record<'grant' | 'other', string> = {
  grant: 'A yes to a part is good for that part alone, and never undoes a no to everything.',
  other: 'A no to a part leaves everything else as it is.',
};

/** What an entry is about and for, as the API takes it. */
function scopeOf(
  about: About,
  purpose: string,
  template: { name: string; category: string } | undefined,
): Pick<ConsentInput, 'purpose' | 'scope'> {
  if (about === 'all') return { purpose: purpose as ConsentInput['purpose'] };
  if (about !== 'template')
    return { purpose: TEMPLATE_CATEGORIES[about].purpose, scope: `category:${about}` };
  const isMarketing = template?.category.toLowerCase() === 'marketing';
  return {
    purpose: isMarketing ? 'marketing' : 'service',
    scope: `template:${template?.name ?? ''}`,
  };
}

/** The numbers of a contact in the order in which they are tried, its own first. */
function useNumbers(contactId: string) {
  const contact = useQuery({
    queryKey: keys.contact(contactId),
    queryFn: ({ signal }) => fetchContact(contactId, signal),
  });
  const addresses = useQuery({
    queryKey: keys.addresses(contactId),
    queryFn: ({ signal }) => fetchAddresses(contactId, signal),
  });
  const numbers =
    contact.data === undefined || addresses.data === undefined
      ? null
      : [
          contact.data.phone,
          ...addresses.data.data
            .filter((each) => each.kind === 'phone')
            .map((each) => each.address),
        ].filter((each) => each !== null);
  return {
    /** Null while they are not known. */
    numbers,
    error: numbers === null ? (contact.error ?? addresses.error) : null,
    retry: () => {
      void contact.refetch();
      void addresses.refetch();
    },
  };
}

export function ConsentDialog({ contactId, onClose }: { contactId: string; onClose: () => void }) {
  const cache = useQueryClient();
  const [action, setAction] = useState<RecordedAction>('grant');
  const [busy, setBusy] = useState(false);
  const [channel, setChannel] = useState<ConsentInput['channel']>('sms');
  const [chosen, setAbout] = useState<About>('all');
  const [expires, setExpires] = useState('');
  const [dates, setDates] = useState<Typed>('whole');
  const { numbers, error: unread, retry } = useNumbers(contactId);
  const mayBePart = channel === 'whatsapp' && action !== 'reassign';
  const about = mayBePart ? chosen : 'all';
  const query = useQuery({
    queryKey: [...keys.allTemplates, 'names'],
    queryFn: ({ signal }) => fetchTemplateNames(signal),
    enabled: about === 'template',
  });
  const templates = (query.data?.data ?? []).filter(
    (each, place, all) => all.findIndex((other) => other.name === each.name) === place,
  );
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? '').trim();
    setBusy(true);
    try {
      await addConsentEvent(contactId, {
        channel,
        ...scopeOf(
          about,
          text('purpose'),
          templates.find((each) => each.name === text('template')),
        ),
        action,
        method: text('method') as ConsentInput['method'],
        ...(text('wording') === '' ? {} : { wording: text('wording') }),
        ...(text('proof') === '' ? {} : { proof: text('proof') }),
        ...(action !== 'grant' || expires === ''
          ? {}
          : { expires_at: new Date(`${expires}T23:59:59`).toISOString() }),
        ...(text('address') === '' ? {} : { address: text('address') }),
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
          {unread !== null && <Failure error={unread} onRetry={retry} />}
          {numbers !== null && numbers.length > 1 && (
            <SelectField
              label="Number"
              description={NUMBER_HELP[action]}
              name="address"
              data={numbers.map((each) => ({ value: each, label: formatPhone(each) }))}
              data-testid="consent-number"
            />
          )}
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
              value={channel}
              onChange={(event) => setChannel(event.currentTarget.value as ConsentInput['channel'])}
              data={[
                { value: 'sms', label: 'SMS' },
                { value: 'whatsapp', label: 'WhatsApp' },
              ]}
              data-testid="consent-channel"
            />
            {about === 'all' && (
              <SelectField
                label="For"
                name="purpose"
                data={[
                  { value: 'marketing', label: 'Marketing' },
                  { value: 'service', label: 'Service' },
                ]}
              />
            )}
            <SelectField label="How" name="method" data={CLAIMABLE_METHODS} />
          </div>
          {mayBePart && (
            <SelectField
              label="About"
              description={ABOUT_HELP[action === 'grant' ? 'grant' : 'other']}
              value={about}
              onChange={(event) => setAbout(event.currentTarget.value as About)}
              data={ABOUT}
              data-testid="consent-about"
            />
          )}
          {about === 'template' && query.isError && (
            <Failure error={query.error} onRetry={() => void query.refetch()} />
          )}
          {about === 'template' && query.isSuccess && templates.length === 0 && (
            <Notice tone="warn">There is no template yet. Add one in Setup, Templates.</Notice>
          )}
          {about === 'template' && templates.length > 0 && (
            <SelectField
              label="Template"
              description="In all its languages, from every number."
              name="template"
              data={templates.map((each) => ({ value: each.name, label: each.name }))}
              data-testid="consent-template"
            />
          )}
          <TextArea
            label="Wording"
            description={WORDING_HELP[action]}
            name="wording"
            rows={3}
            data-testid="consent-wording"
          />
          {action === 'grant' && (
            <DateField
              label="Ends on"
              description="For a consent that holds for a time only; empty means until it is taken back."
              type="date"
              value={expires}
              onDate={setExpires}
              onTyped={setDates}
              data-testid="consent-expires"
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
          <Button
            type="submit"
            loading={busy}
            // Which number it is about is chosen by who writes it down, not by what could be read.
            disabled={
              numbers === null ||
              dates === 'half' ||
              (about === 'template' && templates.length === 0)
            }
            data-testid="consent-save"
          >
            Add entry
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
