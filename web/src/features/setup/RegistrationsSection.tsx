import { useQuery, useQueryClient } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { Registration, RegistrationKind, RegistrationState } from '@/api/sender-types';
import { dayEnd } from '@/lib/local-time';
import { formatDateTime } from '@/lib/time';
import {
  Button,
  Card,
  DataTable,
  DateField,
  Dialog,
  DialogActions,
  EmptyState,
  Facts,
  Failure,
  notify,
  SelectField,
  SkeletonRows,
  Stack,
  Tag,
  TextField,
  type Typed,
  useDialog,
} from '@/ui';
import { FormDialog, text } from './FormDialog';
import { REGISTRATION_KINDS, REGISTRATION_STATES } from './sender-words';
import {
  createRegistration,
  fetchRegistrations,
  setRegistrationLimits,
  stepRegistration,
} from './senders-api';
import css from './setup.module.css';
import { useMayManage } from './use-may-manage';

const HELP: Record<RegistrationKind, string> = {
  brand: 'Your company at The Campaign Registry. Usually decided within days.',
  campaign: 'What your US numbers are used for. Usually decided in 10 to 15 business days.',
  toll_free: 'A toll-free number for the US and Canada. Usually decided within two weeks.',
  short_code: 'Leased and approved by the carriers. Plan 8 to 12 weeks.',
  sender_id: 'A name, for countries that ask for a registration.',
};

/** States in which somebody has something to do. */
const ACT = new Set<RegistrationState>(['draft', 'rejected', 'expired']);

/** What carriers and regulators have to approve, and how far each has come. */
export function RegistrationsSection() {
  const mayManage = useMayManage();
  const cache = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [open, setOpen] = useState<string | null>(null);
  const query = useQuery({
    queryKey: keys.registrations,
    queryFn: ({ signal }) => fetchRegistrations(signal),
  });
  const rows = query.data?.data ?? [];
  const refresh = async () => {
    await cache.invalidateQueries({ queryKey: keys.registrations });
    await cache.invalidateQueries({ queryKey: keys.senders });
  };
  const shown = rows.find((row) => row.id === open);
  return (
    <Card
      padding="none"
      title="Registrations"
      description="What carriers have to approve before a sender may send. Record each step here; sending follows it at once."
      aside={
        mayManage && (
          <Button
            leftSection={<IconPlus size={16} />}
            onClick={() => setAdding(true)}
            data-testid="registration-new"
          >
            New registration
          </Button>
        )
      }
    >
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <SkeletonRows rows={4} />}
      {query.isSuccess && rows.length === 0 && (
        <EmptyState title="No registration yet">
          US numbers need a brand and a campaign, toll-free numbers a verification, short codes an
          approval.
        </EmptyState>
      )}
      {rows.length > 0 && (
        <DataTable
          label="Registrations"
          rows={rows}
          rowKey={(row) => row.id}
          rowTestId="registration"
          onOpen={(row) => setOpen(row.id)}
          columns={[
            {
              key: 'name',
              title: 'Registration',
              render: (row) => (
                <div className={css.cell}>
                  <strong>{row.name}</strong>
                  <span>
                    {REGISTRATION_KINDS[row.kind]}
                    {row.country !== null && `, ${row.country}`}
                  </span>
                </div>
              ),
            },
            {
              key: 'state',
              title: 'State',
              render: (row) => (
                <div className={css.cell}>
                  <div>
                    <Tag tone={REGISTRATION_STATES[row.state].tone} dot="dot">
                      {REGISTRATION_STATES[row.state].label}
                    </Tag>
                  </div>
                  {row.note !== null && <span>{row.note}</span>}
                  {ACT.has(row.state) && <span>{row.advice}</span>}
                </div>
              ),
            },
            {
              key: 'dates',
              title: 'Dates',
              priority: 'wide',
              render: (row) => <Dates registration={row} />,
            },
          ]}
        />
      )}
      {adding && (
        <NewDialog brands={rows} onClose={() => setAdding(false)} onSaved={() => refresh()} />
      )}
      {shown !== undefined && (
        <DetailDialog
          registration={shown}
          onClose={() => setOpen(null)}
          onStepped={() => void refresh()}
        />
      )}
    </Card>
  );
}

function Dates({ registration }: { registration: Registration }) {
  const lines = [
    ['Submitted', registration.submitted_at],
    ['Decision expected', registration.expected_at],
    ['Decided', registration.decided_at],
    ['Valid until', registration.expires_at],
  ] as const;
  return (
    <div className={css.cell}>
      {lines.map(
        ([label, at]) =>
          at !== null && (
            <span key={label}>
              {label} {formatDateTime(at)}
            </span>
          ),
      )}
    </div>
  );
}

interface NewDialogProps {
  brands: Registration[];
  onClose: () => void;
  onSaved: () => Promise<unknown>;
}

function NewDialog({ brands, onClose, onSaved }: NewDialogProps) {
  const [kind, setKind] = useState<RegistrationKind>('brand');
  return (
    <FormDialog
      title="New registration"
      saveLabel="Save as draft"
      testId="registration-save"
      onClose={onClose}
      onSave={async (form) => {
        const parent = text(form, 'parent_id');
        const country = text(form, 'country');
        const reference = text(form, 'reference');
        await createRegistration({
          kind,
          name: text(form, 'name'),
          ...(country === '' ? {} : { country }),
          ...(parent === '' ? {} : { parent_id: parent }),
          ...(reference === '' ? {} : { reference }),
        });
        await onSaved();
        notify.done('Registration saved as a draft');
      }}
    >
      <SelectField
        label="Kind"
        description={HELP[kind]}
        value={kind}
        onChange={(event) => setKind(event.currentTarget.value as RegistrationKind)}
        data={Object.entries(REGISTRATION_KINDS).map(([value, label]) => ({ value, label }))}
      />
      <TextField label="Name" name="name" required withAsterisk={false} maxLength={200} />
      {kind === 'campaign' && (
        <SelectField
          label="Brand"
          name="parent_id"
          data={[
            { value: '', label: 'None yet' },
            ...brands
              .filter((each) => each.kind === 'brand')
              .map((each) => ({ value: each.id, label: each.name })),
          ]}
        />
      )}
      <TextField
        label="Country"
        description="Two letters; empty: every country that asks for it."
        name="country"
        maxLength={2}
      />
      <TextField label="Id at the registry" name="reference" />
    </FormDialog>
  );
}

interface DetailProps {
  registration: Registration;
  onClose: () => void;
  onStepped: () => void;
}

const LIMITS = {
  brand: {
    field: 'segments_per_day',
    label: 'Segments a day',
    description:
      'T-Mobile’s limit for the brand, such as 2,000, 10,000, 40,000 or 200,000. Empty: none.',
  },
  campaign: {
    field: 'segments_per_minute',
    label: 'Segments a minute',
    description:
      'AT&T’s limit for the class of the campaign: 75, 240, 2,400 or 4,500. Empty: none.',
  },
} as const;

/** The limit of a brand or campaign. Texts to every carrier count: which one a number has is not known. */
function LimitDialog({ registration, onClose, onStepped }: DetailProps) {
  const limit = LIMITS[registration.kind === 'brand' ? 'brand' : 'campaign'];
  return (
    <FormDialog
      title={`Limit of ${registration.name}`}
      saveLabel="Save limit"
      testId="limit-save"
      onClose={onClose}
      onSave={async (form) => {
        const segments = Number.parseInt(text(form, 'segments'), 10);
        await setRegistrationLimits(registration.id, {
          segments_per_minute: registration.segments_per_minute,
          segments_per_day: registration.segments_per_day,
          [limit.field]: Number.isNaN(segments) ? null : segments,
        });
        onStepped();
        notify.done('Limit saved');
      }}
    >
      <TextField
        label={limit.label}
        description={limit.description}
        name="segments"
        type="number"
        min={1}
        defaultValue={registration[limit.field] ?? ''}
      />
      <p>
        Which carrier a number belongs to is not known, so promotions to all carriers count. What
        finds no room waits; service messages count and never wait.
      </p>
    </FormDialog>
  );
}

function DetailDialog({ registration, onClose, onStepped }: DetailProps) {
  const [limiting, setLimiting] = useState(false);
  return (
    <>
      <Dialog title={registration.name} onClose={onClose} closeOnEscape={!limiting}>
        <Detail
          registration={registration}
          onClose={onClose}
          onStepped={onStepped}
          onLimit={() => setLimiting(true)}
        />
      </Dialog>
      {limiting && (
        <LimitDialog
          registration={registration}
          onClose={() => setLimiting(false)}
          onStepped={onStepped}
        />
      )}
    </>
  );
}

/** How far it has come, and the steps that may follow. */
function Detail(props: DetailProps & { onLimit: () => void }) {
  const { registration, onClose, onStepped, onLimit } = props;
  const { saved } = useDialog();
  const mayManage = useMayManage();
  const [note, setNote] = useState('');
  const [until, setUntil] = useState('');
  const [typed, setTyped] = useState<Typed>('whole');
  const [busy, setBusy] = useState<RegistrationState | null>(null);
  const step = async (state: RegistrationState) => {
    setBusy(state);
    // The day that is named belongs to it.
    const end = dayEnd(until);
    try {
      await stepRegistration(registration.id, {
        state,
        ...(note.trim() === '' ? {} : { note: note.trim() }),
        ...(end === null ? {} : { expires_at: end }),
      });
      setNote('');
      setUntil('');
      saved();
      onStepped();
      notify.done(`Recorded: ${REGISTRATION_STATES[state].label.toLowerCase()}`);
    } catch (error) {
      notify.failure(error);
    } finally {
      setBusy(null);
    }
  };
  return (
    <>
      <Stack>
        <Facts
          items={[
            { label: 'Kind', value: REGISTRATION_KINDS[registration.kind] },
            { label: 'State', value: REGISTRATION_STATES[registration.state].label },
            { label: 'Country', value: registration.country ?? 'All that ask for it' },
            { label: 'Id at the registry', value: registration.reference ?? '–' },
          ]}
        />
        <p>{registration.advice}</p>
        <ol className={css.history} aria-label="History">
          {registration.history.map((event, index) => (
            <li key={index}>
              <strong>{REGISTRATION_STATES[event.state].label}</strong>{' '}
              <time dateTime={event.at}>{formatDateTime(event.at)}</time>
              {event.note !== null && <p>{event.note}</p>}
            </li>
          ))}
        </ol>
        {mayManage && (
          <>
            <TextField
              label="Note"
              description="What the registry said; needed for a rejection."
              value={note}
              onChange={(event) => setNote(event.currentTarget.value)}
            />
            {registration.next.includes('approved') && (
              <DateField
                label="Approved until"
                description="Empty: without an end."
                type="date"
                value={until}
                onDate={setUntil}
                onTyped={setTyped}
              />
            )}
          </>
        )}
      </Stack>
      <DialogActions>
        <Button emphasis="secondary" onClick={onClose}>
          Close
        </Button>
        {mayManage && (registration.kind === 'brand' || registration.kind === 'campaign') && (
          <Button emphasis="secondary" onClick={onLimit} data-testid="limit-open">
            Limit
          </Button>
        )}
        {mayManage &&
          registration.next.map((state) => (
            <Button
              key={state}
              emphasis={state === 'rejected' || state === 'expired' ? 'secondary' : 'primary'}
              loading={busy === state}
              disabled={busy !== null || typed === 'half'}
              onClick={() => void step(state)}
              data-testid={`step-${state}`}
            >
              {REGISTRATION_STATES[state].label}
            </Button>
          ))}
      </DialogActions>
    </>
  );
}
