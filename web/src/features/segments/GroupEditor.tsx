import { IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { errorWords } from '@/api/errors';
import { keys } from '@/api/query-keys';
import type { SegmentGroup, SegmentItem, SegmentRow, SegmentTopic } from '@/api/types';
import { listOf, wordsOf } from '@/lib/word-list';
import { useCampaignChoice } from '@/shared/campaigns/use-campaign-choice';
import { CheckField, IconButton, SelectField, TextField, WordsField } from '@/ui';
import { fetchLists } from './api';
import css from './segments.module.css';
import { TableParts } from './TableParts';
import {
  emptyRow,
  EVENTS,
  FIELD_OPERATORS,
  FIELDS,
  HAPPENED,
  isNumber,
  takesMany,
  takesValue,
  TOPICS,
  withValue,
  YES_NO,
} from './words';

interface GroupProps {
  group: SegmentGroup;
  onChange: (group: SegmentGroup) => void;
  depth: number;
  onRemove?: () => void;
}

/** Rows and groups of a condition. */
export function GroupEditor({ group, onChange, depth, onRemove }: GroupProps) {
  const set = (at: number, item: SegmentItem) =>
    onChange({ ...group, items: group.items.map((each, index) => (index === at ? item : each)) });
  const remove = (at: number) =>
    onChange({ ...group, items: group.items.filter((_, index) => index !== at) });
  const add = (item: SegmentItem) => onChange({ ...group, items: [...group.items, item] });
  return (
    <div className={css.group} data-depth={depth} role="group" aria-label="Group of conditions">
      <div className={css.joins}>
        <SelectField
          aria-label="How the rows are joined"
          size="xs"
          value={group.join}
          data={[
            { value: 'all', label: 'All of these' },
            { value: 'any', label: 'Any of these' },
          ]}
          onChange={(event) =>
            onChange({ ...group, join: event.currentTarget.value as SegmentGroup['join'] })
          }
        />
        {group.items.length === 0 && depth === 0 && 'No rows: everybody belongs to it.'}
        {onRemove !== undefined && (
          <IconButton label="Remove group" onClick={onRemove}>
            <IconTrash size={16} />
          </IconButton>
        )}
      </div>
      {group.items.map((item, index) =>
        'row' in item ? (
          <RowEditor
            key={index}
            row={item.row}
            onChange={(row) => set(index, { row })}
            onRemove={() => remove(index)}
          />
        ) : (
          <GroupEditor
            key={index}
            group={item.group}
            depth={depth + 1}
            onChange={(next) => set(index, { group: next })}
            onRemove={() => remove(index)}
          />
        ),
      )}
      <div className={css.adds}>
        <button
          type="button"
          className={css.textButton}
          onClick={() => add({ row: emptyRow('field') })}
          data-testid="segment-add-row"
        >
          + Row
        </button>
        {depth < 3 && (
          <button
            type="button"
            className={css.textButton}
            onClick={() => add({ group: { join: 'any', items: [{ row: emptyRow('field') }] } })}
          >
            + Group
          </button>
        )}
      </div>
    </div>
  );
}

interface RowProps {
  row: SegmentRow;
  onChange: (row: SegmentRow) => void;
  onRemove: () => void;
}

function RowEditor({ row, onChange, onRemove }: RowProps) {
  return (
    <div className={css.row} role="group" aria-label="Condition" data-testid="segment-row-editor">
      <SelectField
        aria-label="About"
        value={row.topic}
        data={TOPICS}
        onChange={(event) => onChange(emptyRow(event.currentTarget.value as SegmentTopic))}
        data-testid="segment-topic"
      />
      <div className={css.parts}>
        <Parts row={row} onChange={onChange} />
      </div>
      <IconButton label="Remove row" onClick={onRemove}>
        <IconTrash size={16} />
      </IconButton>
    </div>
  );
}

function Parts({ row, onChange }: Omit<RowProps, 'onRemove'>) {
  const set = (change: Partial<SegmentRow>) => onChange({ ...row, ...change });
  const operator = (
    data: { value: SegmentRow['operator']; label: string }[],
    choose = (next: SegmentRow['operator']) => set({ operator: next }),
  ) => (
    <SelectField
      aria-label="Comparison"
      value={row.operator}
      data={data}
      onChange={(event) => choose(event.currentTarget.value as SegmentRow['operator'])}
      data-testid="segment-operator"
    />
  );
  switch (row.topic) {
    case 'field':
      return (
        <>
          <TextField
            aria-label="Field"
            placeholder="city"
            list="segment-fields"
            value={row.name}
            onChange={(event) => set({ name: event.currentTarget.value })}
            data-testid="segment-field"
          />
          <datalist id="segment-fields">
            {FIELDS.map((field) => (
              <option key={field} value={field} />
            ))}
          </datalist>
          {operator(FIELD_OPERATORS, (next) => {
            const text = listOf(row.values);
            set({ operator: next, values: takesMany(next) ? wordsOf(text) : [text] });
          })}
          {takesMany(row.operator) && (
            <WordsField
              aria-label="Values, separated by commas"
              placeholder="Berlin, Hamburg"
              words={row.values}
              onWords={(values) => set({ values })}
              data-testid="segment-value"
            />
          )}
          {takesValue(row.operator) && !takesMany(row.operator) && (
            <TextField
              aria-label="Value"
              value={listOf(row.values)}
              onChange={(event) => set({ values: [event.currentTarget.value] })}
              data-testid="segment-value"
            />
          )}
          {takesValue(row.operator) && !isNumber(row.operator) && row.operator !== 'matches' && (
            <CheckField
              label="Any case"
              checked={row.ignore_case}
              onChange={(event) => set({ ignore_case: event.currentTarget.checked })}
            />
          )}
        </>
      );
    case 'event':
      return (
        <>
          <SelectField
            aria-label="Event"
            value={row.name}
            data={EVENTS}
            onChange={(event) => set({ name: event.currentTarget.value })}
          />
          <CampaignChoice
            value={row.campaign_id}
            onChange={(campaign_id) => set({ campaign_id })}
          />
          {operator(HAPPENED)}
          <Days value={row.days} orAll onChange={(days) => set({ days })} />
        </>
      );
    case 'consent':
      return (
        <>
          <SelectField
            aria-label="Channel"
            value={row.name}
            data={[
              { value: 'sms', label: 'Promotional SMS' },
              { value: 'whatsapp', label: 'Promotional WhatsApp' },
            ]}
            onChange={(event) => set({ name: event.currentTarget.value })}
          />
          {operator(YES_NO)}
          <SelectField
            aria-label="Consent"
            value={row.values[0] ?? ''}
            data={[
              { value: 'granted', label: 'opted in' },
              { value: 'revoked', label: 'opted out' },
              { value: 'none', label: 'never asked' },
              { value: 'expired', label: 'expired' },
              { value: 'in_review', label: 'in review' },
            ]}
            onChange={(event) => set({ values: [event.currentTarget.value] })}
          />
        </>
      );
    case 'list':
      return (
        <>
          {operator(YES_NO)}
          <ListChoice value={row.values[0] ?? ''} onChange={(list) => set({ values: [list] })} />
        </>
      );
    case 'created':
      return (
        <>
          {operator(HAPPENED)}
          <Days value={row.days ?? 30} onChange={(days) => set({ days })} />
        </>
      );
    case 'table':
      return <TableParts row={row} onChange={onChange} />;
    case 'suppressed':
      return operator([
        { value: 'is', label: 'number is on it' },
        { value: 'is_not', label: 'number is not on it' },
      ]);
  }
}

type DaysProps =
  | { value: number | null; orAll: true; onChange: (days: number | null) => void }
  | { value: number; orAll?: false; onChange: (days: number) => void };

/** Days back; where there always are some, the ones before count while the field is empty, and are back afterwards. */
function Days(props: DaysProps) {
  const [isEmpty, setIsEmpty] = useState(false);
  const set = (days: number) => {
    setIsEmpty(Number.isNaN(days));
    if (!Number.isNaN(days)) props.onChange(days);
    else if (props.orAll) props.onChange(null);
  };
  return (
    <label className={css.days}>
      in the last
      <input
        type="number"
        min={1}
        max={3650}
        value={isEmpty ? '' : (props.value ?? '')}
        placeholder={props.orAll ? 'all' : undefined}
        onChange={(event) => set(Number.parseInt(event.currentTarget.value, 10))}
        onBlur={() => setIsEmpty(false)}
      />
      days
    </label>
  );
}

function ListChoice({ value, onChange }: { value: string; onChange: (list: string) => void }) {
  const lists = useQuery({ queryKey: keys.lists, queryFn: ({ signal }) => fetchLists(signal) });
  return (
    <SelectField
      aria-label="List"
      value={value}
      data={withValue(
        [
          { value: '', label: 'Choose a list', disabled: true },
          ...(lists.data?.data ?? []).map((list) => ({ value: list.id, label: list.name })),
        ],
        value,
        lists.isSuccess
          ? `A list that is not there (${value})`
          : lists.isError
            ? `List ${value}`
            : 'Loading…',
      )}
      error={lists.data === undefined && lists.isError ? errorWords(lists.error).message : null}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

function CampaignChoice({
  value,
  onChange,
}: {
  value: string | null;
  onChange: (campaign: string | null) => void;
}) {
  const { campaigns, nameOf, hasOlder, showOlder } = useCampaignChoice(
    value === null ? [] : [value],
  );
  const isListed = value === null || campaigns.some((each) => each.id === value);
  return (
    <SelectField
      aria-label="Campaign"
      value={value ?? ''}
      data={[
        { value: '', label: 'any campaign' },
        ...campaigns.map((each) => ({ value: each.id, label: each.name })),
        ...(isListed ? [] : [{ value, label: nameOf(value) }]),
        ...(hasOlder ? [{ value: 'older', label: 'Show older campaigns…' }] : []),
      ]}
      onChange={(event) => {
        const chosen = event.currentTarget.value;
        if (chosen === 'older') void showOlder();
        else onChange(chosen === '' ? null : chosen);
      }}
    />
  );
}
