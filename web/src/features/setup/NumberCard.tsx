import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { Channel, ChannelNumber } from '@/api/types';

import {
  Button,
  Facts,
  Failure,
  Notice,
  Row,
  SelectField,
  SkeletonRows,
  Stack,
  Tag,
  TextArea,
  TextField,
} from '@/ui';
import {
  fetchChannelNumber,
  registerNumber,
  requestNumberCode,
  setNumberPin,
  setNumberProfile,
  setNumberWebhook,
  verifyNumberCode,
} from './api';
import { FormDialog, text } from './FormDialog';
import { useSaving } from './LoadedCard';
import css from './setup.module.css';
import { uploadExample } from './templates/api';
import { useMayManage } from './use-may-manage';

const VERTICALS: [string, string][] = [
  ['', 'Not said'],
  ['AUTO', 'Cars'],
  ['BEAUTY', 'Beauty, spa and salon'],
  ['APPAREL', 'Clothing'],
  ['EDU', 'Education'],
  ['ENTERTAIN', 'Entertainment'],
  ['EVENT_PLAN', 'Events'],
  ['FINANCE', 'Finance'],
  ['GROCERY', 'Groceries'],
  ['GOVT', 'Public service'],
  ['HOTEL', 'Hotel'],
  ['HEALTH', 'Health'],
  ['NONPROFIT', 'Charity'],
  ['PROF_SERVICES', 'Professional services'],
  ['RETAIL', 'Shopping'],
  ['TRAVEL', 'Travel'],
  ['RESTAURANT', 'Restaurant'],
  ['NOT_A_BIZ', 'Not a business'],
  ['OTHER', 'Other'],
];

const NAME_STATES: Record<string, { label: string; tone: 'good' | 'warn' | 'bad' }> = {
  APPROVED: { label: 'Approved', tone: 'good' },
  AVAILABLE_WITHOUT_REVIEW: { label: 'Approved', tone: 'good' },
  PENDING_REVIEW: { label: 'In review', tone: 'warn' },
  DECLINED: { label: 'Declined', tone: 'bad' },
  EXPIRED: { label: 'Expired', tone: 'bad' },
  NONE: { label: 'No name', tone: 'warn' },
};

type Open = 'profile' | 'register' | 'pin' | 'code' | 'prove' | null;

/** A WhatsApp number at WhatsApp: asked for when somebody looks, since nothing of it is kept here. */
export function NumberCard({ channel }: { channel: Channel }) {
  const [shown, setShown] = useState(false);
  return (
    <details onToggle={(event) => setShown(event.currentTarget.open)} data-testid="channel-number">
      <summary>Number and profile at WhatsApp</summary>
      {shown && <Fetched channel={channel} />}
    </details>
  );
}

function Fetched({ channel }: { channel: Channel }) {
  const query = useQuery({
    queryKey: keys.channelNumber(channel.id),
    queryFn: ({ signal }) => fetchChannelNumber(channel.id, signal),
    retry: false,
  });
  if (query.isError && query.data === undefined)
    return <Failure error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <SkeletonRows rows={5} />;
  return <Details channel={channel} number={query.data} />;
}

function Details({ channel, number }: { channel: Channel; number: ChannelNumber }) {
  const cache = useQueryClient();
  const mayManage = useMayManage();
  const [open, setOpen] = useState<Open>(null);
  const [busy, saving] = useSaving('WhatsApp has it');
  const refresh = () => cache.invalidateQueries({ queryKey: keys.channelNumber(channel.id) });
  const { profile } = number;
  const name = NAME_STATES[number.name_status ?? ''];
  const isOwn = number.webhook !== null;
  const goesElsewhere =
    isOwn && number.own_address !== null && number.webhook !== number.own_address;
  const vertical = VERTICALS.find(([value]) => value === profile.vertical)?.[1] ?? profile.vertical;
  return (
    <Stack gap={12}>
      <Facts
        items={[
          {
            label: 'Name',
            value: (
              <>
                {number.verified_name ?? 'None'}{' '}
                {name !== undefined && <Tag tone={name.tone}>{name.label}</Tag>}
              </>
            ),
            testId: 'number-name',
          },
          { label: 'State', value: number.status ?? 'Not told', testId: 'number-status' },
          {
            label: 'Proven to be yours',
            value: number.code_status === 'VERIFIED' ? 'Yes' : 'No',
            testId: 'number-code-status',
          },
          {
            label: 'Webhooks go to',
            value: <code>{number.webhook ?? number.account_webhook ?? 'nowhere'}</code>,
            testId: 'number-webhook',
          },
          { label: 'About', value: profile.about },
          { label: 'Description', value: profile.description },
          { label: 'Address', value: profile.address },
          { label: 'Email', value: profile.email },
          { label: 'Websites', value: profile.websites.join(', ') },
          { label: 'Line of business', value: vertical },
        ].filter(({ value }) => value !== '')}
      />
      {goesElsewhere && (
        <Notice tone="warn">
          The number’s webhooks go to another server. Messages of its customers do not come here.
        </Notice>
      )}
      {number.status !== null && number.status !== 'CONNECTED' && (
        <Notice tone="warn">
          WhatsApp says {number.status}. Prove the number if that is missing, then register it.
        </Notice>
      )}
      {mayManage && (
        <Row>
          <Button
            emphasis="secondary"
            size="xs"
            onClick={() => setOpen('profile')}
            data-testid="number-profile"
          >
            Change profile
          </Button>
          <Button
            emphasis="secondary"
            size="xs"
            loading={busy}
            onClick={() =>
              saving(async () => {
                await setNumberWebhook(channel.id, !isOwn);
                await refresh();
              })
            }
            data-testid="number-own-webhook"
          >
            {isOwn ? 'Use the account’s webhook address' : 'Give it a webhook address of its own'}
          </Button>
          {number.code_status !== 'VERIFIED' && (
            <>
              <Button emphasis="secondary" size="xs" onClick={() => setOpen('code')}>
                Ask for a code
              </Button>
              <Button emphasis="secondary" size="xs" onClick={() => setOpen('prove')}>
                Enter the code
              </Button>
            </>
          )}
          <Button
            emphasis="secondary"
            size="xs"
            onClick={() => setOpen('register')}
            data-testid="number-register"
          >
            Register
          </Button>
          <Button
            emphasis="quiet"
            size="xs"
            onClick={() => setOpen('pin')}
            data-testid="number-pin"
          >
            Change PIN
          </Button>
        </Row>
      )}
      {open === 'profile' && (
        <ProfileDialog
          channel={channel}
          number={number}
          onSaved={refresh}
          onClose={() => setOpen(null)}
        />
      )}
      {(open === 'register' || open === 'pin') && (
        <FormDialog
          title={open === 'register' ? 'Register the number' : 'Change the PIN'}
          saveLabel={open === 'register' ? 'Register' : 'Change'}
          onSave={async (form) => {
            const send = open === 'register' ? registerNumber : setNumberPin;
            await send(channel.id, text(form, 'pin'));
            await refresh();
          }}
          onClose={() => setOpen(null)}
          testId="number-pin-save"
        >
          <p className={css.muted}>
            {open === 'register'
              ? 'With the PIN of two-step verification. When the number has none yet, this becomes it. WhatsApp takes ten attempts in three days.'
              : 'Whoever registers the number again needs it. Keep it where you keep passwords; it is not stored here.'}
          </p>
          <TextField
            label="PIN"
            description="Six digits."
            name="pin"
            inputMode="numeric"
            pattern="[0-9]{6}"
            autoComplete="off"
            required
          />
        </FormDialog>
      )}
      {open === 'code' && (
        <FormDialog
          title="Ask for a code"
          saveLabel="Send it"
          onSave={(form) =>
            requestNumberCode(channel.id, {
              by: text(form, 'by') as 'sms' | 'voice',
              language: text(form, 'language'),
            })
          }
          onClose={() => setOpen(null)}
        >
          <SelectField
            label="It comes"
            name="by"
            data={[
              { value: 'sms', label: 'as a text message' },
              { value: 'voice', label: 'by a call' },
            ]}
          />
          <TextField label="Language" name="language" defaultValue="en_US" required />
        </FormDialog>
      )}
      {open === 'prove' && (
        <FormDialog
          title="Enter the code"
          saveLabel="Prove the number"
          onSave={async (form) => {
            await verifyNumberCode(channel.id, text(form, 'code'));
            await refresh();
          }}
          onClose={() => setOpen(null)}
        >
          <TextField label="Code" name="code" inputMode="numeric" autoComplete="off" required />
        </FormDialog>
      )}
    </Stack>
  );
}

interface ProfileDialogProps {
  channel: Channel;
  number: ChannelNumber;
  onSaved: () => Promise<unknown>;
  onClose: () => void;
}

function ProfileDialog({ channel, number: { profile }, onSaved, onClose }: ProfileDialogProps) {
  const save = async (form: FormData) => {
    const picture = form.get('picture');
    const file = picture instanceof File && picture.size > 0 ? picture : null;
    const media = file === null ? null : await uploadExample(file);
    await setNumberProfile(channel.id, {
      about: text(form, 'about'),
      address: text(form, 'address'),
      description: text(form, 'description'),
      email: text(form, 'email'),
      websites: [text(form, 'website-1'), text(form, 'website-2')].filter((site) => site !== ''),
      vertical: text(form, 'vertical'),
      picture_media_id: media?.id ?? null,
    });
    await onSaved();
  };
  return (
    <FormDialog
      title="What customers see"
      saveLabel="Save"
      onSave={save}
      onClose={onClose}
      testId="number-profile-save"
    >
      <TextField label="About" name="about" maxLength={139} defaultValue={profile.about} required />
      <TextArea
        label="Description"
        name="description"
        maxLength={512}
        defaultValue={profile.description}
      />
      <TextField label="Address" name="address" maxLength={256} defaultValue={profile.address} />
      <TextField
        label="Email"
        name="email"
        type="email"
        maxLength={128}
        defaultValue={profile.email}
      />
      {[0, 1].map((at) => (
        <TextField
          key={at}
          label={`Website ${at + 1}`}
          name={`website-${at + 1}`}
          type="url"
          maxLength={256}
          defaultValue={profile.websites[at] ?? ''}
        />
      ))}
      <SelectField
        label="Line of business"
        name="vertical"
        defaultValue={profile.vertical === 'UNDEFINED' ? '' : profile.vertical}
        data={VERTICALS.map(([value, label]) => ({ value, label }))}
      />
      <label className={css.file}>
        Picture
        <input type="file" name="picture" accept="image/jpeg,image/png" />
        <span className={css.muted}>JPEG or PNG; the one that is there stays without another.</span>
      </label>
    </FormDialog>
  );
}
