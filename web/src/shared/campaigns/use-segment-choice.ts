import { keys } from '@/api/query-keys';
import type { Segment } from '@/api/types';
import { useChoice } from './use-choice';

/** Segments to choose from, page by page, and the names of those that are `chosen`, wherever they are in the list. */
export function useSegmentChoice(chosen: string[]) {
  const { items, nameOf, rest } = useChoice<Segment>({
    path: '/segments',
    pagesKey: keys.segmentChoice,
    oneKey: keys.segment,
    chosen,
  });
  return { segments: items, nameOf, rest };
}
