import { useQuery, useQueryClient } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { Registration, SenderAlphabet, SenderDetail } from '@/api/sender-types';
import type { Channel, Sender } from '@/api/types';
import { formatPhone } from '@/lib/phone';
import { accountWords } from '@/lib/sender-name';
import {
  Button,
  Card,
  CheckField,
  DataTable,
  EmptyState,
  Failure,
  notify,
  SelectField,
  SkeletonRows,
  Stack,
  Tag,
  TextField,
  type Tone,
} from '@/ui';
import { createSender } from './api';
import { CapabilitiesCard } from './CapabilitiesCard';
import { FormDialog, text } from './FormDialog';
import { PoolsCard } from './PoolsCard';
import { QuietSpans } from './QuietSpans';
import { REGISTRATION_KINDS, REGISTRATION_STATES, SENDER_KINDS } from './sender-words';
import { AccountPricesCard, RoutesCard } from './RoutesCard';
import { RegistrationsSection } from './RegistrationsSection';
import {
  changeSender,
  fetchRegistrations,
  fetchSenders,
  setSenderFallback,
  setSenderHours,
  setSenderLimit,
} from './senders-api';
import css from './setup.module.css';
import { useMayManage } from './use-may-manage';
import { useRefresh } from './use-refresh';

const REGISTRATIONS: Record<Sender['registration'], { label: string; tone: Tone }> = {
  active: { label: 'Active', tone: 'good' },
  pending: { label: 'Pending', tone: 'warn' },
  rejected: { label: 'Rejected', tone: 'bad' },
};

/** The numbers and names texts come from, whether each may send and what is missing, and the registrations. */
export function SendersSection({ channels }: { channels: Channel[] }) {
  const mayManage = useMayManage();
  const [adding, setAdding] = useState(false);
  const [open, setOpen] = useState<SenderDetail | null>(null);
  const query = useQuery({ queryKey: keys.senders, queryFn: ({ signal }) => fetchSenders(signal) });
  const sms = channels.filter((channel) => channel.kind !== 'whatsapp');
  const senders = query.data?.data ?? [];
  return (
    <Stack>
      <Card
        padding="none"
        title="Senders"
        description="The numbers and names texts come from, as registered with the carriers."
        aside={
          mayManage && (
            <Button
              leftSection={<IconPlus size={16} />}
              onClick={() => setAdding(true)}
              disabled={sms.length === 0}
              data-testid="sender-new"
            >
              Add sender
            </Button>
          )
        }
      >
        {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <SkeletonRows rows={4} />}
        {query.isSuccess && senders.length === 0 && (
          <EmptyState title="No sender yet">
            {sms.length === 0 ? 'Add an SMS channel first.' : 'A campaign needs one to come from.'}
          </EmptyState>
        )}
        {senders.length > 0 && (
          <DataTable
            label="Senders"
            rows={senders}
            rowKey={(sender) => sender.id}
            rowTestId="sender"
            {...(mayManage ? { onOpen: setOpen } : {})}
            columns={[
              {
                key: 'address',
                title: 'Sender',
                render: (sender) => (
                  <div className={css.cell}>
                    <strong>{formatPhone(sender.address)}</strong>
                    <span>
                      {SENDER_KINDS[sender.kind]}
                      {!sender.is_two_way &&
                        ', cannot be answered: see the opt-out line of names in Texts'}
                      {sender.sends_files && ', pictures and files (MMS)'}
                    </span>
                  </div>
                ),
              },
              {
                key: 'channel',
                title: 'Channel',
                priority: 'wide',
                render: (sender) =>
                  channels.find((channel) => channel.id === sender.channel_id)?.name ?? '–',
              },
              {
                key: 'ready',
                title: 'May send',
                render: (sender) => (
                  <div className={css.cell}>
                    {sender.readiness.map((each) => (
                      <div key={each.country}>
                        <Tag tone={each.ready ? 'good' : 'bad'} dot="dot">
                          {each.country}: {each.ready ? 'yes' : 'no'}
                        </Tag>
                        {each.why !== null && <span> {each.why}</span>}
                        {each.caution !== null && <span> {each.caution}</span>}
                      </div>
                    ))}
                  </div>
                ),
              },
            ]}
          />
        )}
      </Card>
      <PoolsCard senders={senders} channels={channels} />
      <RoutesCard senders={senders} channels={sms} />
      <AccountPricesCard channels={sms} />
      <RegistrationsSection />
      <CapabilitiesCard />
      {adding && <AddDialog channels={sms} onClose={() => setAdding(false)} />}
      {open !== null && (
        <ChangeDialog
          sender={open}
          others={senders.filter((each) => each.id !== open.id)}
          channels={channels}
          onClose={() => setOpen(null)}
        />
      )}
    </Stack>
  );
}

function AddDialog({ channels, onClose }: { channels: Channel[]; onClose: () => void }) {
  const refresh = useRefresh();
  const cache = useQueryClient();
  return (
    <FormDialog
      title="Add sender"
      saveLabel="Add sender"
      testId="sender-save"
      onClose={onClose}
      onSave={async (form) => {
        await createSender({
          channel_id: text(form, 'channel_id'),
          address: text(form, 'address'),
          kind: text(form, 'kind') as Sender['kind'],
          registration: text(form, 'registration') as Sender['registration'],
        });
        await refresh();
        await cache.invalidateQueries({ queryKey: keys.senders });
        notify.done('Sender added');
      }}
    >
      <TextField
        label="Number or name"
        description="A name has 3 to 11 letters and digits."
        name="address"
        required
        withAsterisk={false}
        data-autofocus
      />
      <SelectField
        label="Kind"
        name="kind"
        data={Object.entries(SENDER_KINDS).map(([value, label]) => ({ value, label }))}
      />
      <SelectField
        label="SMS channel"
        name="channel_id"
        data={channels.map((channel) => ({ value: channel.id, label: channel.name }))}
      />
      <ActivationField />
    </FormDialog>
  );
}

function ActivationField({ value }: { value?: Sender['registration'] }) {
  return (
    <SelectField
      label="At the carrier"
      description="Whether the carrier has activated it."
      name="registration"
      defaultValue={value}
      data={Object.entries(REGISTRATIONS).map(([key, { label }]) => ({ value: key, label }))}
    />
  );
}

/** A whole number; null when there is none. */
function whole(value: string): number | null {
  const number = Number.parseInt(value, 10);
  return Number.isNaN(number) ? null : number;
}

const secondsOf = (sender: SenderDetail) => sender.fallback_after_seconds ?? 300;
const minutesOf = (sender: SenderDetail) => Math.max(1, Math.round(secondsOf(sender) / 60));

interface ChangeDialogProps {
  sender: SenderDetail;
  others: SenderDetail[];
  channels: Channel[];
  onClose: () => void;
}

function ChangeDialog({ sender, others, channels, onClose }: ChangeDialogProps) {
  const cache = useQueryClient();
  const refresh = useRefresh();
  const [spans, setSpans] = useState(sender.quiet_spans);
  const query = useQuery({
    queryKey: keys.registrations,
    queryFn: ({ signal }) => fetchRegistrations(signal),
  });
  const all: Registration[] = query.data?.data.filter((each) => each.kind !== 'brand') ?? [];
  return (
    <FormDialog
      title={formatPhone(sender.address) + accountWords(sender, others, channels)}
      saveLabel="Save"
      testId="sender-change"
      onClose={onClose}
      onSave={async (form) => {
        await changeSender(sender.id, {
          registration: text(form, 'registration') as Sender['registration'],
          countries: text(form, 'countries')
            .split(/[\s,]+/)
            .filter((each) => each !== ''),
          alphabet: text(form, 'alphabet') as SenderAlphabet,
          // Only what could be seen is changed; links to brands are not offered here.
          ...(query.data !== undefined && {
            registration_ids: [
              ...form.getAll('registration_ids').map(String),
              ...sender.registration_ids.filter((id) => !all.some((each) => each.id === id)),
            ],
          }),
        });
        await setSenderLimit(sender.id, whole(text(form, 'segments_per_second')));
        await setSenderHours(sender.id, {
          quiet_hours: { start: text(form, 'quiet_start'), end: text(form, 'quiet_end') },
          quiet_spans: spans,
        });
        // What the fields say is in whole minutes: what was not changed is not written back, nor rounded.
        const fallback = text(form, 'fallback_id');
        const minutes = whole(text(form, 'fallback_minutes')) ?? 5;
        if (fallback !== (sender.fallback_id ?? '') || minutes !== minutesOf(sender)) {
          await setSenderFallback(sender.id, {
            sender_id: fallback === '' ? null : fallback,
            after_seconds: minutes === minutesOf(sender) ? secondsOf(sender) : 60 * minutes,
          });
        }
        await refresh();
        await cache.invalidateQueries({ queryKey: keys.senders });
        notify.done('Sender saved');
      }}
    >
      <ActivationField value={sender.registration} />
      <TextField
        label="Countries it sends to"
        description="Two letters each, such as US, CA. Empty: everywhere its kind allows."
        name="countries"
        defaultValue={sender.countries.join(', ')}
      />
      <SelectField
        label="Characters it takes"
        description="Some carriers take only the plain GSM alphabet, without emoji or ł. Answers to words leave in any case."
        name="alphabet"
        defaultValue={sender.alphabet}
        data={[
          { value: 'any', label: 'All' },
          { value: 'gsm_replace', label: 'Plain ones; others are replaced where they can be' },
          { value: 'gsm_refuse', label: 'Plain ones; a text with others is not sent' },
        ]}
      />
      <TextField
        label="Segments a second"
        description="Such as 3 for a toll-free number. Empty: as fast as its account can."
        name="segments_per_second"
        type="number"
        min={1}
        max={10000}
        defaultValue={sender.segments_per_second ?? ''}
      />
      <div className={css.two}>
        <TextField
          label="Quiet every night from"
          description="By the recipient’s clock, beside the workspace’s hours."
          name="quiet_start"
          type="time"
          required
          withAsterisk={false}
          defaultValue={sender.quiet_hours.start}
        />
        <TextField
          label="Quiet until"
          description="The same time twice: only the workspace’s hours."
          name="quiet_end"
          type="time"
          required
          withAsterisk={false}
          defaultValue={sender.quiet_hours.end}
        />
      </div>
      <QuietSpans spans={spans} onChange={setSpans} />
      <SelectField
        label="Second way"
        description="Takes over what certainly was not sent: refused for the account, or waiting while the account is down. What may have left never moves."
        name="fallback_id"
        defaultValue={sender.fallback_id ?? ''}
        data={[
          { value: '', label: 'None' },
          ...others.map((each) => ({
            value: each.id,
            label: formatPhone(each.address) + accountWords(each, [sender, ...others], channels),
          })),
        ]}
      />
      <TextField
        label="Minutes without connection before waiting texts move"
        name="fallback_minutes"
        type="number"
        min={1}
        max={1440}
        defaultValue={minutesOf(sender)}
      />
      <fieldset className={css.members}>
        <legend>Registered by</legend>
        {query.isPending && <SkeletonRows rows={2} height={20} />}
        {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
        {query.isSuccess && all.length === 0 && (
          <p>No registration yet. Add one under Registrations.</p>
        )}
        {all.map((each) => (
          <CheckField
            key={each.id}
            name="registration_ids"
            value={each.id}
            defaultChecked={sender.registration_ids.includes(each.id)}
            label={`${each.name} – ${REGISTRATION_KINDS[each.kind]}, ${REGISTRATION_STATES[each.state].label.toLowerCase()}`}
          />
        ))}
      </fieldset>
    </FormDialog>
  );
}
