import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import type { ConversationSettings, OptInRules } from '@/api/conversation-types';
import { errorWords } from '@/api/errors';
import { keys } from '@/api/query-keys';
import type { Channel } from '@/api/types';
import { rebased, same } from '@/lib/changes';
import { useUnsaved } from '@/lib/unsaved';
import { useLive } from '@/live';
import {
  Button,
  Card,
  CheckField,
  EmptyState,
  Failure,
  Notice,
  notify,
  SelectField,
  SkeletonRows,
  Stack,
  TextArea,
  TextField,
  useLeave,
} from '@/ui';
import { AutomaticMessages, Languages } from './AutomaticMessages';
import { CaseRulesCard } from './CaseRulesCard';
import { changeConversationSettings, fetchConversationSettings } from './conversation-api';
import { OPT_IN_KINDS } from './conversation-words';
import { HoursFields } from './HoursFields';
import css from './setup.module.css';
import { useMayManage } from './use-may-manage';

/** What each WhatsApp number says and does in conversations by itself. */
export function ConversationsSection({ channels }: { channels: Channel[] }) {
  const numbers = channels.filter((channel) => channel.kind === 'whatsapp');
  const [chosen, setChosen] = useState<string | null>(null);
  const next = useRef('');
  const [leave, leaveDialog] = useLeave(() => setChosen(next.current));
  const channel = numbers.find((each) => each.id === chosen) ?? numbers[0];
  if (channel === undefined) {
    return (
      <Card title="Conversations">
        <EmptyState
          title="No WhatsApp number yet"
          action={
            <Link to="/setup/$section" params={{ section: 'channels' }}>
              Go to Channels
            </Link>
          }
        >
          Add one under Channels; here you set what it says by itself.
        </EmptyState>
      </Card>
    );
  }
  return (
    <Stack>
      {leaveDialog}
      {numbers.length > 1 && (
        <SelectField
          label="WhatsApp number"
          value={channel.id}
          data={numbers.map((each) => ({ value: each.id, label: each.name }))}
          onChange={(event) => {
            next.current = event.currentTarget.value;
            leave();
          }}
          data-testid="conversations-number"
        />
      )}
      <OfChannel key={channel.id} channelId={channel.id} />
    </Stack>
  );
}

function OfChannel({ channelId }: { channelId: string }) {
  const query = useQuery({
    queryKey: keys.conversationSettings(channelId),
    queryFn: ({ signal }) => fetchConversationSettings(channelId, signal),
  });
  if (query.data === undefined) {
    return (
      <Card title="Conversations">
        {query.isError ? (
          <Failure error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <SkeletonRows rows={6} />
        )}
      </Card>
    );
  }
  return <Editor channelId={channelId} saved={query.data} />;
}

function Editor({ channelId, saved }: { channelId: string; saved: ConversationSettings }) {
  const cache = useQueryClient();
  const mayManage = useMayManage();
  const workspace = useLive((state) => state.workspace);
  // What the fields began with, so that only what was changed here is written.
  const [before, setBefore] = useState(saved);
  const [settings, setSettings] = useState(saved);
  useUnsaved('What you changed of this number', same(settings, before) ? 'saved' : 'unsaved');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const change = (part: Partial<ConversationSettings>) => setSettings({ ...settings, ...part });
  const save = async () => {
    setBusy(true);
    setProblem(null);
    const hours = settings.hours && {
      ...settings.hours,
      holidays: settings.hours.holidays.map((day) => day.trim()).filter((day) => day !== ''),
    };
    const words = settings.opt_in.words.map((word) => word.trim()).filter((word) => word !== '');
    try {
      const after = { ...settings, hours, opt_in: { ...settings.opt_in, words } };
      const now = await fetchConversationSettings(channelId);
      const stored = await changeConversationSettings(channelId, rebased(before, after, now));
      cache.setQueryData(keys.conversationSettings(channelId), stored);
      setBefore(stored);
      // What was typed while it was saved stays.
      setSettings((typed) => rebased(settings, typed, stored));
      notify.done('Saved; it counts from the next message on');
    } catch (error) {
      setProblem(errorWords(error).message);
    }
    setBusy(false);
  };
  return (
    <fieldset className={css.bare} disabled={!mayManage}>
      <Stack>
        <Card
          title="Automatic messages"
          description="Each is said once in a conversation, only while the reply window is open, and in the contact’s language where there is a text for it. In texts {name}, {brand}, {agent}, {hours} and {opens} are filled in."
        >
          <AutomaticMessages
            settings={settings}
            brand={workspace?.name ?? ''}
            onChange={(messages) => change({ messages })}
          />
        </Card>
        <Card
          title="Business hours"
          description="Outside of them customers are told when somebody is there again. Conversations can still begin."
        >
          <HoursFields
            hours={settings.hours}
            timeZone={workspace?.time_zone ?? 'UTC'}
            onChange={(hours) => change({ hours })}
          />
          {settings.hours !== null && (
            <CheckField
              label="Offer conversations to agents outside these hours too"
              description="Otherwise they wait and are offered at opening."
              checked={settings.offer_outside_hours}
              onChange={(event) => change({ offer_outside_hours: event.currentTarget.checked })}
              data-testid="offer-outside-hours"
            />
          )}
        </Card>
        <Silence settings={settings} onChange={change} />
        <CaseRulesCard rules={settings.cases} onChange={(cases) => change({ cases })} />
        <OptIn rules={settings.opt_in} onChange={(opt_in) => change({ opt_in })} />
        {problem !== null && (
          <Notice tone="bad" live="alert">
            {problem}
          </Notice>
        )}
        {mayManage && (
          <div>
            <Button
              loading={busy}
              disabled={same(settings, before)}
              onClick={() => void save()}
              data-testid="conversations-save"
            >
              Save
            </Button>
          </div>
        )}
      </Stack>
    </fieldset>
  );
}

interface SilenceProps {
  settings: ConversationSettings;
  onChange: (part: Partial<ConversationSettings>) => void;
}

function Silence({ settings, onChange }: SilenceProps) {
  const { idle } = settings;
  const minutes = (text: string) => (text === '' ? null : Number(text));
  return (
    <Card
      title="Silence, and coming back"
      description="Counted in minutes after the last message to the customer; empty: nothing happens. A conversation in which a reply waits does not end, and while the customer waits for a person nothing happens."
    >
      <Stack gap={12}>
        <div className={css.three}>
          <TextField
            label="Ask after"
            type="number"
            min={1}
            value={idle.warn_minutes ?? ''}
            onChange={(event) =>
              onChange({ idle: { ...idle, warn_minutes: minutes(event.currentTarget.value) } })
            }
            data-testid="idle-warn"
          />
          <TextField
            label="Inactive after"
            type="number"
            min={1}
            value={idle.inactive_minutes ?? ''}
            onChange={(event) =>
              onChange({ idle: { ...idle, inactive_minutes: minutes(event.currentTarget.value) } })
            }
          />
          <TextField
            label="End after"
            type="number"
            min={1}
            value={idle.end_minutes ?? ''}
            onChange={(event) =>
              onChange({ idle: { ...idle, end_minutes: minutes(event.currentTarget.value) } })
            }
            data-testid="idle-end"
          />
        </div>
        <div className={css.two}>
          <TextField
            label="Back to the same agent within, minutes"
            description="Who writes again so soon after the end is offered to that agent first; 0: never."
            type="number"
            min={0}
            value={settings.return_minutes}
            onChange={(event) => onChange({ return_minutes: Number(event.currentTarget.value) })}
          />
          <TextField
            label="A reply waits for, hours"
            description="Written while the window was closed; it is given up then."
            type="number"
            min={1}
            value={settings.pending_hours}
            onChange={(event) => onChange({ pending_hours: Number(event.currentTarget.value) })}
          />
        </div>
        <CheckField
          label="Keep what customers delete, marked as deleted"
          checked={settings.keep_deleted}
          onChange={(event) => onChange({ keep_deleted: event.currentTarget.checked })}
          data-testid="keep-deleted"
        />
      </Stack>
    </Card>
  );
}

function OptIn({ rules, onChange }: { rules: OptInRules; onChange: (rules: OptInRules) => void }) {
  return (
    <Card
      title="Agreement to the conversation"
      description="It counts for this conversation alone; for marketing the customer has to agree on its own. What is written before is kept, and the bot waits."
    >
      <Stack gap={12}>
        <SelectField
          label="How it is asked for"
          value={rules.kind}
          data={OPT_IN_KINDS}
          onChange={(event) =>
            onChange({ ...rules, kind: event.currentTarget.value as OptInRules['kind'] })
          }
          data-testid="opt-in-kind"
        />
        {rules.kind !== 'implicit' && (
          <>
            <TextArea
              label="Question"
              rows={2}
              maxLength={1024}
              value={rules.question}
              onChange={(event) => onChange({ ...rules, question: event.currentTarget.value })}
            />
            <Languages
              texts={rules.questions}
              onChange={(questions) => onChange({ ...rules, questions })}
            />
            <TextField
              label="More words that agree"
              description="Beside yes, sí, oui, ja, sim and the like; separated by commas."
              value={rules.words.join(',')}
              onChange={(event) =>
                onChange({ ...rules, words: event.currentTarget.value.split(',') })
              }
            />
          </>
        )}
        {rules.kind === 'double' && (
          <>
            <TextArea
              label="Second question"
              rows={2}
              maxLength={1024}
              value={rules.confirmation}
              onChange={(event) => onChange({ ...rules, confirmation: event.currentTarget.value })}
            />
            <Languages
              texts={rules.confirmations}
              onChange={(confirmations) => onChange({ ...rules, confirmations })}
            />
          </>
        )}
      </Stack>
    </Card>
  );
}
