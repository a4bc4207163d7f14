import type { Audience } from '@/api/types';
import { useCampaignChoice } from '@/shared/campaigns/use-campaign-choice';
import { useSegmentChoice } from '@/shared/campaigns/use-segment-choice';
import { SelectField } from '@/ui';
import css from './editor.module.css';
import type { Sources } from './use-sources';

type Part =
  | 'lists'
  | 'segments'
  | 'tables'
  | 'exclude_lists'
  | 'exclude_segments'
  | 'exclude_tables'
  | 'exclude_campaigns';

interface AudiencePartsProps {
  audience: Audience;
  onChange: (audience: Audience) => void;
  sources: Sources;
}

/** Fetches further campaigns or segments instead of choosing one. */
const OLDER = 'older';
const MORE = 'more';

/** Further lists, segments and tables, and who is left out. Each person counts once. */
export function AudienceParts({ audience, onChange, sources }: AudiencePartsProps) {
  const named = (each: { id: string; name: string }) => ({ id: each.id, name: each.name });
  const lists = sources.lists.map(named);
  const segmentChoice = useSegmentChoice([
    ...(audience.segments ?? []),
    ...(audience.exclude_segments ?? []),
  ]);
  const segments = segmentChoice.segments.map(named);
  const moreSegments = segmentChoice.hasMore ? [{ value: MORE, label: 'Show more segments…' }] : [];
  const choice = useCampaignChoice(audience.exclude_campaigns ?? []);
  const campaigns = choice.campaigns.filter((each) => each.started_at !== null).map(named);
  const tables = sources.tables
    .filter((each) => each.link !== null)
    .map((each) => ({ id: each.id, name: each.label }));
  const chosen = (part: Part) => audience[part] ?? [];
  const nameOf = (choices: { id: string; name: string }[], all: boolean) => (id: string) =>
    choices.find((each) => each.id === id)?.name ?? (all ? 'Deleted' : '…');
  const [listName, tableName] = [
    nameOf(lists, sources.all.lists),
    nameOf(tables, sources.all.tables),
  ];
  const segmentName = segmentChoice.nameOf;
  const chips = (part: Part, kind: string, name: (id: string) => string) =>
    chosen(part).map((id) => (
      <span key={`${part}-${id}`} className={css.chip} data-testid={`audience-${part}`}>
        <small>{kind}</small>
        {name(id)}
        <button
          type="button"
          aria-label={`Remove ${name(id)}`}
          onClick={() =>
            onChange({ ...audience, [part]: chosen(part).filter((each) => each !== id) })
          }
        >
          ×
        </button>
      </span>
    ));
  const add = (value: string) => {
    if (value === OLDER) return void choice.showOlder();
    if (value === MORE) return void segmentChoice.showMore();
    const [part, id] = value.split(':') as [Part, string];
    if (!chosen(part).includes(id)) onChange({ ...audience, [part]: [...chosen(part), id] });
  };
  const options = (part: Part, choices: { id: string; name: string }[]) =>
    choices.map((each) => ({ value: `${part}:${each.id}`, label: each.name }));
  return (
    <div className={css.two}>
      <div>
        <SelectField
          label="Also, or instead of all contacts"
          value=""
          data={[
            { value: '', label: 'Add a segment, list or table' },
            { group: 'Segments', items: options('segments', segments) },
            { group: 'Lists', items: options('lists', lists) },
            ...(tables.length === 0
              ? []
              : [{ group: 'Whoever has a row in', items: options('tables', tables) }]),
            ...moreSegments,
          ]}
          onChange={(event) => add(event.currentTarget.value)}
          data-testid="audience-include"
        />
        <div className={css.chips}>
          {chips('segments', 'Segment', segmentName)}
          {chips('lists', 'List', listName)}
          {chips('tables', 'Table', tableName)}
        </div>
      </div>
      <div>
        <SelectField
          label="But not"
          value=""
          data={[
            { value: '', label: 'Leave out…' },
            { group: 'Segments', items: options('exclude_segments', segments) },
            { group: 'Lists', items: options('exclude_lists', lists) },
            ...(tables.length === 0
              ? []
              : [{ group: 'Whoever has a row in', items: options('exclude_tables', tables) }]),
            ...moreSegments,
            { group: 'Who was sent', items: options('exclude_campaigns', campaigns) },
            ...(choice.hasOlder ? [{ value: OLDER, label: 'Show older campaigns…' }] : []),
          ]}
          onChange={(event) => add(event.currentTarget.value)}
          data-testid="audience-exclude"
        />
        <div className={css.chips}>
          {chips('exclude_segments', 'Segment', segmentName)}
          {chips('exclude_lists', 'List', listName)}
          {chips('exclude_tables', 'Table', tableName)}
          {chips('exclude_campaigns', 'Sent', choice.nameOf)}
        </div>
      </div>
    </div>
  );
}
