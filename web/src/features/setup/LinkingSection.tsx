import { IconArrowDown, IconArrowUp, IconPlus, IconX } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type {
  LinkingSettings,
  LinkObject,
  LinkRule,
  LinkRules,
  ManyMatches,
  MatchBy,
  NoMatch,
  OneMatch,
} from '@/api/identity-types';
import { keys } from '@/api/query-keys';
import type { Channel } from '@/api/types';
import { rebased, same } from '@/lib/changes';
import { useUnsaved } from '@/lib/unsaved';
import { Button, Card, EmptyState, IconButton, Row, SelectField, Stack } from '@/ui';
import { changeLinking, fetchLinking } from './api';
import { LoadedCard, useSaving } from './LoadedCard';
import css from './setup.module.css';
import { useMayManage } from './use-may-manage';

const BY: { value: MatchBy; label: string }[] = [
  { value: 'reference', label: 'Reference in the message' },
  { value: 'identifier', label: 'Same WhatsApp user on another number of yours' },
  { value: 'phone', label: 'Phone number' },
  { value: 'phone_variant', label: 'Phone number in another national writing' },
  { value: 'email', label: 'Email address that the bot asked for' },
];
const OBJECTS: { value: LinkObject; label: string }[] = [
  { value: 'contact', label: 'Contact' },
  { value: 'lead', label: 'Lead' },
];
const ONE: { value: OneMatch; label: string }[] = [
  { value: 'link', label: 'Link' },
  { value: 'ask', label: 'Ask the agent' },
  { value: 'next', label: 'Try the next rule' },
];
const MANY: { value: ManyMatches; label: string }[] = [
  { value: 'link_newest', label: 'Link the newest' },
  { value: 'ask', label: 'Ask the agent' },
  { value: 'next', label: 'Try the next rule' },
];
const NONE: { value: NoMatch; label: string }[] = [
  { value: 'create_contact', label: 'Create a contact, when the number is known' },
  { value: 'create_lead', label: 'Create a lead, when the number is known' },
  { value: 'ask', label: 'Ask the agent' },
  { value: 'nothing', label: 'Leave the customer without a record' },
];

/** How customers who write are linked to contacts and leads: for the workspace, and for channels of their own mind. */
export function LinkingSection({ channels }: { channels: Channel[] }) {
  const query = useQuery({
    queryKey: keys.linkingRules,
    queryFn: ({ signal }) => fetchLinking(signal),
  });
  return (
    <LoadedCard title="Linking customers" query={query}>
      {(settings) => (
        <LinkingForm
          settings={settings}
          channels={channels.filter((channel) => channel.kind === 'whatsapp')}
        />
      )}
    </LoadedCard>
  );
}

function LinkingForm({ settings, channels }: { settings: LinkingSettings; channels: Channel[] }) {
  const cache = useQueryClient();
  const mayManage = useMayManage();
  // What the fields began with, so that only what was changed here is written.
  const [before, setBefore] = useState(settings);
  const [draft, setDraft] = useState(settings);
  useUnsaved('The linking rules', same(draft, before) ? 'saved' : 'unsaved');
  const [scope, setScope] = useState('workspace');
  const [busy, saving] = useSaving('Linking rules saved');
  const own = draft.channels[scope];
  const rules = scope === 'workspace' ? draft.workspace : own;
  const change = (next: LinkRules) =>
    setDraft(
      scope === 'workspace'
        ? { ...draft, workspace: next }
        : { ...draft, channels: { ...draft.channels, [scope]: next } },
    );
  const save = () =>
    saving(async () => {
      const now = await fetchLinking();
      const saved = await changeLinking(rebased(before, draft, now));
      cache.setQueryData(keys.linkingRules, saved);
      setBefore(saved);
      setDraft(saved);
    });
  return (
    <Card
      title="Linking customers"
      description="Tried from the first rule to the last when a customer writes. What an agent decided stays."
    >
      <fieldset className={css.bare} disabled={!mayManage}>
        <Stack>
          {channels.length > 0 && (
            <SelectField
              label="Rules of"
              value={scope}
              data={[
                { value: 'workspace', label: 'All channels' },
                ...channels.map((channel) => ({ value: channel.id, label: channel.name })),
              ]}
              onChange={(event) => setScope(event.currentTarget.value)}
              data-testid="linking-scope"
            />
          )}
          {rules === undefined ? (
            <EmptyState
              title="This channel follows the rules of all channels"
              action={
                <Button
                  emphasis="secondary"
                  onClick={() => change(draft.workspace)}
                  data-testid="linking-own"
                >
                  Give it rules of its own
                </Button>
              }
            >
              They are copied, to be changed here.
            </EmptyState>
          ) : (
            <RuleList rules={rules} onChange={change} />
          )}
          <Row>
            <Button loading={busy} onClick={save} data-testid="linking-save">
              Save
            </Button>
            {scope !== 'workspace' && own !== undefined && (
              <Button
                emphasis="secondary"
                onClick={() => {
                  const { [scope]: _, ...rest } = draft.channels;
                  setDraft({ ...draft, channels: rest });
                }}
              >
                Follow all channels again
              </Button>
            )}
          </Row>
        </Stack>
      </fieldset>
    </Card>
  );
}

function RuleList({
  rules: { rules, none },
  onChange,
}: {
  rules: LinkRules;
  onChange: (next: LinkRules) => void;
}) {
  const set = (index: number, changed: LinkRule) =>
    onChange({ none, rules: rules.with(index, changed) });
  const swap = (index: number, by: 1 | -1) => {
    const [one, other] = [rules[index], rules[index + by]];
    if (one === undefined || other === undefined) return;
    onChange({ none, rules: rules.with(index, other).with(index + by, one) });
  };
  return (
    <>
      <ol className={css.rules}>
        {rules.map((rule, index) => (
          <li key={`${rule.by}-${rule.object}-${index}`} data-testid="linking-rule">
            <SelectField
              label={`Rule ${index + 1}: match by`}
              value={rule.by}
              data={BY}
              onChange={(event) =>
                set(index, { ...rule, by: event.currentTarget.value as MatchBy })
              }
            />
            <SelectField
              label="Finds a"
              value={rule.object}
              data={OBJECTS}
              onChange={(event) =>
                set(index, { ...rule, object: event.currentTarget.value as LinkObject })
              }
            />
            <SelectField
              label="One match"
              value={rule.one}
              data={ONE}
              onChange={(event) =>
                set(index, { ...rule, one: event.currentTarget.value as OneMatch })
              }
              data-testid="linking-one"
            />
            <SelectField
              label="Several matches"
              value={rule.many}
              data={MANY}
              onChange={(event) =>
                set(index, { ...rule, many: event.currentTarget.value as ManyMatches })
              }
              data-testid="linking-many"
            />
            <Row>
              <IconButton label={`Move rule ${index + 1} up`} onClick={() => swap(index, -1)}>
                <IconArrowUp size={16} />
              </IconButton>
              <IconButton label={`Move rule ${index + 1} down`} onClick={() => swap(index, 1)}>
                <IconArrowDown size={16} />
              </IconButton>
              <IconButton
                label={`Remove rule ${index + 1}`}
                onClick={() => onChange({ none, rules: rules.filter((_, at) => at !== index) })}
              >
                <IconX size={16} />
              </IconButton>
            </Row>
          </li>
        ))}
      </ol>
      <Row>
        <Button
          emphasis="secondary"
          size="xs"
          leftSection={<IconPlus size={14} />}
          onClick={() =>
            onChange({
              none,
              rules: [...rules, { by: 'email', object: 'lead', one: 'ask', many: 'ask' }],
            })
          }
          data-testid="linking-add"
        >
          Add rule
        </Button>
      </Row>
      <SelectField
        label="When nothing matches"
        value={none}
        data={NONE}
        onChange={(event) => onChange({ rules, none: event.currentTarget.value as NoMatch })}
        data-testid="linking-none"
      />
    </>
  );
}
