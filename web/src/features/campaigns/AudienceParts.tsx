import type { Audience } from '@/api/types';
import { useCampaignChoice } from '@/shared/campaigns/use-campaign-choice';
import { useSegmentChoice } from '@/shared/campaigns/use-segment-choice';
import { PickField, type Rest } from '@/ui';
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

/** What is not here yet of several lists. */
function together(rests: Rest[]): Rest {
  const of = (state: Rest['state']) => rests.find((each) => each.state === state);
  const none: Rest = { state: 'none', error: null, read: () => undefined };
  return of('failed') ?? of('reading') ?? of('more') ?? none;
}

/** Further lists, segments and tables, and who is left out. Each person counts once. */
export function AudienceParts({ audience, onChange, sources }: AudiencePartsProps) {
  const named = (each: { id: string; name: string }) => ({ id: each.id, name: each.name });
  const lists = sources.lists.map(named);
  const segmentChoice = useSegmentChoice([
    ...(audience.segments ?? []),
    ...(audience.exclude_segments ?? []),
  ]);
  const segments = segmentChoice.segments.map(named);
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
    const [part, id] = value.split(':') as [Part, string];
    if (!chosen(part).includes(id)) onChange({ ...audience, [part]: [...chosen(part), id] });
  };
  const options = (part: Part, choices: { id: string; name: string }[]) =>
    choices
      .filter((each) => !chosen(part).includes(each.id))
      .map((each) => ({ value: `${part}:${each.id}`, label: each.name }));
  return (
    <div className={css.two}>
      <div>
        <PickField
          label="Also, or instead of all contacts"
          placeholder="Add a segment, list or table"
          groups={[
            { label: 'Segments', items: options('segments', segments) },
            { label: 'Lists', items: options('lists', lists) },
            { label: 'Whoever has a row in', items: options('tables', tables) },
          ]}
          rest={segmentChoice.rest}
          onPick={add}
          data-testid="audience-include"
        />
        <div className={css.chips}>
          {chips('segments', 'Segment', segmentName)}
          {chips('lists', 'List', listName)}
          {chips('tables', 'Table', tableName)}
        </div>
      </div>
      <div>
        <PickField
          label="But not"
          placeholder="Leave out…"
          groups={[
            { label: 'Segments', items: options('exclude_segments', segments) },
            { label: 'Lists', items: options('exclude_lists', lists) },
            { label: 'Whoever has a row in', items: options('exclude_tables', tables) },
            { label: 'Who was sent', items: options('exclude_campaigns', campaigns) },
          ]}
          rest={together([segmentChoice.rest, choice.rest])}
          onPick={add}
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
