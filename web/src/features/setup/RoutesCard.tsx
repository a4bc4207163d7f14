import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError } from '@/api/errors';
import { keys } from '@/api/query-keys';
import type { RouteBy, SenderAlphabet, SenderDetail, SenderRoute } from '@/api/sender-types';
import type { Channel } from '@/api/types';
import { formatPhone } from '@/lib/phone';
import { ROUTE_BY } from '@/lib/route-words';
import { formatDateTime } from '@/lib/time';
import {
  Card,
  DataTable,
  EmptyState,
  Failure,
  MomentField,
  notify,
  SelectField,
  SkeletonRows,
  TextArea,
  TextField,
  type Typed,
} from '@/ui';
import { amountText, minorOf, pricesOf, pricesText } from './account-prices';
import { FormDialog, text } from './FormDialog';
import { addChannelPrices, fetchChannelPrices, setSenderRoutes } from './senders-api';
import css from './setup.module.css';
import { fetchCampaignSettings } from './texts-api';
import { useMayManage } from './use-may-manage';

const PLACES = ['First', 'Second', 'Third', 'Fourth', 'Fifth', 'Sixth', 'Seventh', 'Eighth'];

interface RoutesCardProps {
  senders: SenderDetail[];
  channels: Channel[];
}

/** Senders that several accounts can send from: which of them a text leaves by. */
export function RoutesCard({ senders, channels }: RoutesCardProps) {
  const mayManage = useMayManage();
  const [open, setOpen] = useState<SenderDetail | null>(null);
  const twins = (sender: SenderDetail) =>
    senders.filter((each) => each.address === sender.address && each.kind === sender.kind);
  const name = (id: string) => channels.find((channel) => channel.id === id)?.name ?? '–';
  const rows = senders
    .filter((sender) => twins(sender).length > 1)
    .sort((one, other) => one.address.localeCompare(other.address));
  return (
    <Card
      padding="none"
      title="Routes"
      description="A number or name that several accounts can send from leaves by one of them, and by another where that one does not take the characters of the text. Each message notes which one and why, and waits for that one alone."
    >
      {rows.length === 0 ? (
        <EmptyState title="No sender on two accounts">
          Add the same number or name on a second SMS channel. Then its texts can leave by the
          cheaper account, or by the one that delivers more.
        </EmptyState>
      ) : (
        <DataTable
          label="Routes"
          rows={rows}
          rowKey={(sender) => sender.id}
          rowTestId="route"
          {...(mayManage ? { onOpen: setOpen } : {})}
          columns={[
            {
              key: 'sender',
              title: 'Sender',
              render: (sender) => (
                <div className={css.cell}>
                  <strong>{formatPhone(sender.address)}</strong>
                  <span>on {name(sender.channel_id)}</span>
                </div>
              ),
            },
            {
              key: 'by',
              title: 'Leaves by',
              render: (sender) =>
                sender.route_by === null ? 'Its own account' : ROUTE_BY[sender.route_by],
            },
            {
              key: 'routes',
              title: 'Accounts, and what they delivered in 24 hours',
              priority: 'wide',
              render: (sender) =>
                sender.route_by === null ? (
                  name(sender.channel_id)
                ) : (
                  <ol className={css.routes}>
                    {sender.routes.map((route) => (
                      <li key={route.sender_id}>
                        <strong>{name(route.channel_id)}</strong>
                        <span>{routeFacts(route, senders)}</span>
                      </li>
                    ))}
                  </ol>
                ),
            },
          ]}
        />
      )}
      {open !== null && (
        <RoutesDialog
          sender={open}
          account={name(open.channel_id)}
          accounts={twins(open).map((each) => ({ id: each.id, name: name(each.channel_id) }))}
          onClose={() => setOpen(null)}
        />
      )}
    </Card>
  );
}

const TAKES: Record<SenderAlphabet, string | null> = {
  any: null,
  gsm_replace: 'replaces special characters',
  gsm_refuse: 'takes plain characters only',
};

/** What there is to know of a route in a line. */
function routeFacts(route: SenderRoute, senders: SenderDetail[]): string {
  const sender = senders.find((each) => each.id === route.sender_id);
  const delivered =
    route.settled !== null && route.settled > 0
      ? `${Math.round((100 * (route.delivered ?? 0)) / route.settled)}% of ${route.settled.toLocaleString()} delivered`
      : null;
  const state = sender?.registration === 'active' ? null : 'not activated at the carrier';
  const takes = sender === undefined ? null : TAKES[sender.alphabet];
  return [delivered, state, takes].filter((each) => each !== null).join(', ');
}

interface RoutesDialogProps {
  sender: SenderDetail;
  /** The account it is on. */
  account: string;
  accounts: { id: string; name: string }[];
  onClose: () => void;
}

function RoutesDialog({ sender, account, accounts, onClose }: RoutesDialogProps) {
  const cache = useQueryClient();
  return (
    <FormDialog
      title={`Routes of ${formatPhone(sender.address)} on ${account}`}
      saveLabel="Save"
      testId="routes-save"
      onClose={onClose}
      onSave={async (form) => {
        const by = text(form, 'by');
        const ids = form
          .getAll('account')
          .map(String)
          .filter((id) => id !== '');
        await setSenderRoutes(
          sender.id,
          by === '' ? { sender_ids: [] } : { by: by as RouteBy, sender_ids: ids },
        );
        await cache.invalidateQueries({ queryKey: keys.senders });
        notify.done('Routes saved');
      }}
    >
      <SelectField
        label="Leaves by"
        description="Delivery is compared once 100 messages of an account have ended; until then 5 of 100 texts try it."
        name="by"
        defaultValue={sender.route_by ?? ''}
        data={[
          { value: '', label: 'Its own account alone' },
          ...Object.entries(ROUTE_BY).map(([value, label]) => ({ value, label })),
        ]}
        data-testid="routes-by"
      />
      <fieldset className={css.members}>
        <legend>Accounts in their order</legend>
        {accounts.map((each, place) => (
          <SelectField
            key={each.id}
            label={`${PLACES[place] ?? `${place + 1}.`} account`}
            name="account"
            defaultValue={
              sender.route_by === null ? each.id : (sender.routes[place]?.sender_id ?? '')
            }
            data={[
              { value: '', label: 'None' },
              ...accounts.map((other) => ({ value: other.id, label: other.name })),
            ]}
          />
        ))}
      </fieldset>
    </FormDialog>
  );
}

/** What segments cost on each account. */
export function AccountPricesCard({ channels }: { channels: Channel[] }) {
  const mayManage = useMayManage();
  const [open, setOpen] = useState<Channel | null>(null);
  return (
    <Card
      padding="none"
      title="Prices of accounts"
      description="What a thousand segments cost on each account, by country. The cost in the check before the start and routes by price go by them."
    >
      {channels.length === 0 ? (
        <EmptyState title="No SMS channel yet">Add one under Channels.</EmptyState>
      ) : (
        <DataTable
          label="Prices of accounts"
          rows={channels}
          rowKey={(channel) => channel.id}
          rowTestId="account-prices"
          {...(mayManage ? { onOpen: setOpen } : {})}
          columns={[
            { key: 'name', title: 'Account', render: (channel) => <strong>{channel.name}</strong> },
            { key: 'prices', title: 'Prices', render: (channel) => <InForce id={channel.id} /> },
          ]}
        />
      )}
      {open !== null && <PricesDialog channel={open} onClose={() => setOpen(null)} />}
    </Card>
  );
}

function usePrices(id: string) {
  return useQuery({
    queryKey: keys.channelPrices(id),
    queryFn: ({ signal }) => fetchChannelPrices(id, signal),
  });
}

/** The prices that count now. */
function InForce({ id }: { id: string }) {
  const query = usePrices(id);
  if (query.isPending) return <SkeletonRows rows={1} height={18} />;
  if (query.data === undefined) return <>–</>;
  // As of the answer: what has just been added counts from the moment it was added.
  const version = query.data.data.find(
    (each) => Date.parse(each.valid_from) <= query.dataUpdatedAt,
  );
  if (version === undefined) return <>None yet</>;
  return (
    <>
      {version.prices.length} {version.prices.length === 1 ? 'country' : 'countries'} in{' '}
      {version.currency}, from {formatDateTime(version.valid_from)}
    </>
  );
}

/** What the dialog says of a line that is no price. */
const wrongLine = (line: string) =>
  new ApiError(422, {
    code: 'invalid',
    errors: [{ field: 'prices', message: `“${line}” is no price. Write it like DE 7.50.` }],
  });

function PricesDialog({ channel, onClose }: { channel: Channel; onClose: () => void }) {
  const cache = useQueryClient();
  const query = usePrices(channel.id);
  const settings = useQuery({
    queryKey: keys.campaignSettings,
    queryFn: ({ signal }) => fetchCampaignSettings(signal),
  });
  const [from, setFrom] = useState<string | null>(null);
  const [dates, setDates] = useState<Typed>('whole');
  const currency = settings.data?.currency ?? 'USD';
  const last = query.data?.data[0];
  return (
    <FormDialog
      title={`Prices of ${channel.name}`}
      saveLabel="Add version"
      testId="prices-save"
      isReady={query.data !== undefined && settings.data !== undefined && dates === 'whole'}
      onClose={onClose}
      onSave={async (form) => {
        const read = pricesOf(text(form, 'prices'), currency);
        const other = text(form, 'other');
        const other_price = other === '' ? null : minorOf(other, currency);
        const wrong = read.wrong ?? (other !== '' && other_price === null ? other : null);
        if (wrong !== null) throw wrongLine(wrong);
        await addChannelPrices(channel.id, {
          prices: read.prices,
          other_price,
          ...(from === null ? {} : { valid_from: from }),
        });
        await cache.invalidateQueries({ queryKey: keys.channelPrices(channel.id) });
        notify.done('Prices added');
      }}
    >
      {(query.isPending || settings.isPending) && <SkeletonRows rows={4} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {settings.isError && (
        <Failure error={settings.error} onRetry={() => void settings.refetch()} />
      )}
      {query.data !== undefined && settings.data !== undefined && (
        <>
          <TextArea
            label={`Prices of a thousand segments in ${currency}`}
            description="One country a line, such as DE 7.50."
            name="prices"
            rows={6}
            defaultValue={last === undefined ? '' : pricesText(last.prices, currency)}
            data-autofocus
          />
          <TextField
            label="Every other country"
            description="Empty: not known."
            name="other"
            defaultValue={
              last === undefined || last.other_price === null
                ? ''
                : amountText(last.other_price, currency)
            }
          />
          <MomentField
            label="Count from"
            description="Empty: from now on. What counted before stays on record."
            value={from}
            onMoment={setFrom}
            onTyped={setDates}
          />
          {query.data.data.length > 0 && (
            <fieldset className={css.members}>
              <legend>Versions</legend>
              {query.data.data.map((each) => (
                <p key={each.id}>
                  From {formatDateTime(each.valid_from)}: {each.prices.length}{' '}
                  {each.prices.length === 1 ? 'country' : 'countries'} in {each.currency}
                </p>
              ))}
            </fieldset>
          )}
        </>
      )}
    </FormDialog>
  );
}
