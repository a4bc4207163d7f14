import { useRef } from 'react';
import type { AudienceFilter, CampaignInput } from '@/api/types';
import { formatPhone } from '@/lib/phone';
import { accountWords } from '@/lib/sender-name';
import { Card, Notice, SelectField, Stack, TextField, type Typed } from '@/ui';
import { AudienceParts } from './AudienceParts';
import { BodyField } from './BodyField';
import css from './editor.module.css';
import { LanguagesCard } from './LanguagesCard';
import { MediaField, type TextFiles } from './MediaField';
import { RulesCard } from './RulesCard';
import { ScheduleCard } from './ScheduleCard';
import { SegmentCounter, type CountedText } from './SegmentCounter';
import { ChannelChoice, TemplateFields } from './TemplateFields';
import { TextChecks } from './TextChecks';
import type { Sources } from './use-sources';
import { VariantsCard } from './VariantsCard';
import { FOOTERS } from './words';

interface CampaignFormProps {
  input: CampaignInput;
  onChange: (input: CampaignInput) => void;
  /** Told when a date of the schedule or template is half typed, and when all are whole again. */
  onTyped: (typed: Typed) => void;
  sources: Sources;
  counted: CountedText;
  /** What is known of the files that were chosen. */
  files: TextFiles;
}

const REGISTRATION = { active: '', pending: ' (registration pending)', rejected: ' (rejected)' };

const OPERATORS: { value: AudienceFilter['op']; label: string }[] = [
  { value: 'equals', label: 'is' },
  { value: 'not_equals', label: 'is not' },
  { value: 'contains', label: 'contains' },
  { value: 'exists', label: 'is filled in' },
];

/** Marks the choice of a pool among senders. */
const POOL = 'pool:';

/** The sender or pool that was chosen; the first sender of a pool stands for it in previews. */
function from(
  value: string,
  pools: Sources['pools'],
): Pick<CampaignInput, 'sender_id' | 'pool_id'> {
  if (value === '') return { sender_id: null, pool_id: null };
  const pool = pools.find((each) => POOL + each.id === value);
  return pool === undefined
    ? { sender_id: value, pool_id: null }
    : { sender_id: pool.sender_ids[0] ?? null, pool_id: pool.id };
}

/** Name, sender, audience, text and link of a campaign. */
export function CampaignForm({
  input,
  onChange,
  onTyped,
  sources,
  counted,
  files,
}: CampaignFormProps) {
  const set = (change: Partial<CampaignInput>) => onChange({ ...input, ...change });
  const dates = useRef<{ offer: Typed; schedule: Typed }>({ offer: 'whole', schedule: 'whole' });
  const put = (part: 'offer' | 'schedule', typed: Typed) => {
    dates.current[part] = typed;
    onTyped(Object.values(dates.current).includes('half') ? 'half' : 'whole');
  };
  const sender = sources.senders.find((each) => each.id === input.sender_id);
  return (
    <Stack>
      <Card title="Basics">
        <div className={css.two}>
          <TextField
            label="Name"
            description="For your team; customers do not see it."
            value={input.name}
            onChange={(event) => set({ name: event.currentTarget.value })}
            data-testid="campaign-name"
          />
          {input.template === null && (
            <SelectField
              label="Sender"
              description="The number or name the text comes from. From a pool, each person keeps the sender they were first texted from."
              value={input.pool_id === null ? (input.sender_id ?? '') : POOL + input.pool_id}
              onChange={(event) => set(from(event.currentTarget.value, sources.pools))}
              data={[
                { value: '', label: 'Choose a sender', disabled: true },
                ...sources.senders.map((each) => ({
                  value: each.id,
                  label:
                    each.address +
                    accountWords(each, sources.senders, sources.accounts) +
                    REGISTRATION[each.registration],
                  disabled: each.registration === 'rejected',
                })),
                ...sources.pools.map((pool) => ({
                  value: POOL + pool.id,
                  label: `Pool ${pool.name}: ${pool.sender_ids.length} senders`,
                })),
              ]}
              data-testid="campaign-sender"
            />
          )}
        </div>
        <ChannelChoice input={input} onChange={onChange} sources={sources} />
        {input.template === null && sender?.registration === 'pending' && (
          <div className={css.below}>
            <Notice tone="warn">
              The registration of this sender is pending; carriers may refuse its texts.
            </Notice>
          </div>
        )}
      </Card>

      <Card
        title="Audience"
        description={
          input.template === null
            ? 'Only people with an SMS consent get the text, whatever you choose here.'
            : 'Only people who agreed to it on WhatsApp get it, whatever you choose here.'
        }
      >
        <Audience input={input} onChange={onChange} sources={sources} />
      </Card>

      {input.template !== null && (
        <TemplateFields
          wanted={input.template}
          onChange={(template) => set({ template })}
          onTyped={(typed) => put('offer', typed)}
          sources={sources}
        />
      )}
      {input.template === null && (
        <Card title="Message">
          <Stack>
            <BodyField
              value={input.body}
              onChange={(body) => set({ body })}
              counter={<SegmentCounter counted={counted} files={input.media.length} />}
              checks={
                counted.preview !== null && (
                  <TextChecks
                    preview={counted.preview}
                    body={input.body}
                    onChange={(body) => set({ body })}
                  />
                )
              }
            />
            <MediaField
              value={input.media}
              onChange={(media) => set({ media })}
              files={files}
              senderId={input.sender_id}
            />
            <fieldset className={css.footers} data-testid="campaign-footer">
              <legend>Link at the end</legend>
              {FOOTERS.map((each) => (
                <label key={each.value} className={css.footer}>
                  <input
                    type="radio"
                    name="footer"
                    value={each.value}
                    checked={input.footer === each.value}
                    onChange={() => set({ footer: each.value })}
                    data-testid={`campaign-footer-${each.value}`}
                  />
                  <span>
                    <strong>{each.label}</strong>
                    <small>{each.hint}</small>
                  </span>
                </label>
              ))}
            </fieldset>
            {input.footer !== 'none' && (
              <div className={css.two}>
                <SelectField
                  label="WhatsApp number"
                  description="Where the chat opens."
                  value={input.whatsapp_channel_id ?? ''}
                  onChange={(event) =>
                    set({
                      whatsapp_channel_id:
                        event.currentTarget.value === '' ? null : event.currentTarget.value,
                    })
                  }
                  data={[
                    { value: '', label: 'Choose a number', disabled: true },
                    ...sources.whatsapp.map((each) => ({
                      value: each.id,
                      label: `${each.name} · ${formatPhone(each.display)}`,
                    })),
                  ]}
                  data-testid="campaign-whatsapp"
                />
                <TextField
                  label="Prefilled text"
                  description="Waits in the chat; a short reference code is added."
                  value={input.prefilled_text}
                  onChange={(event) => set({ prefilled_text: event.currentTarget.value })}
                  data-testid="campaign-prefilled"
                />
              </div>
            )}
          </Stack>
        </Card>
      )}
      {input.template === null && (
        <>
          <LanguagesCard input={input} onChange={onChange} preview={counted.preview} />
          <VariantsCard input={input} onChange={onChange} />
        </>
      )}
      <RulesCard
        rules={input.rules}
        onChange={(rules) => set({ rules })}
        programmes={sources.programmes}
      />
      <ScheduleCard
        schedule={input.schedule}
        onChange={(schedule) => set({ schedule })}
        onTyped={(typed) => put('schedule', typed)}
      />
    </Stack>
  );
}

function Audience({
  input,
  onChange,
  sources,
}: Pick<CampaignFormProps, 'input' | 'onChange' | 'sources'>) {
  const { list_id, filter } = input.audience;
  const setFilter = (next: AudienceFilter | null) =>
    onChange({ ...input, audience: { ...input.audience, filter: next } });
  return (
    <Stack gap={12}>
      <div className={css.two}>
        <SelectField
          label="Contact list"
          value={list_id ?? ''}
          onChange={(event) => {
            const value = event.currentTarget.value;
            onChange({
              ...input,
              audience: { ...input.audience, list_id: value === '' ? null : value },
            });
          }}
          data={[
            { value: '', label: 'All contacts' },
            ...sources.lists.map((list) => ({
              value: list.id,
              label: `${list.name} (${list.member_count.toLocaleString()})`,
            })),
          ]}
          data-testid="campaign-list"
        />
      </div>
      {filter === null ? (
        <div>
          <button
            type="button"
            className={css.textButton}
            onClick={() => setFilter({ field: '', op: 'equals', value: '' })}
            data-testid="campaign-add-filter"
          >
            + Only some of them
          </button>
        </div>
      ) : (
        <div className={css.filter} role="group" aria-label="Filter">
          <TextField
            label="Field"
            value={filter.field}
            placeholder="tier"
            onChange={(event) => setFilter({ ...filter, field: event.currentTarget.value })}
            data-testid="campaign-filter-field"
          />
          <SelectField
            label="Condition"
            value={filter.op}
            data={OPERATORS}
            onChange={(event) =>
              setFilter({ ...filter, op: event.currentTarget.value as AudienceFilter['op'] })
            }
            data-testid="campaign-filter-op"
          />
          {filter.op !== 'exists' && (
            <TextField
              label="Value"
              value={filter.value}
              onChange={(event) => setFilter({ ...filter, value: event.currentTarget.value })}
              data-testid="campaign-filter-value"
            />
          )}
          <button type="button" className={css.textButton} onClick={() => setFilter(null)}>
            Remove filter
          </button>
        </div>
      )}
      <AudienceParts
        audience={input.audience}
        onChange={(audience) => onChange({ ...input, audience })}
        sources={sources}
      />
    </Stack>
  );
}
