import { useQuery } from '@tanstack/react-query';
import { keys } from '@/api/query-keys';
import type { KeywordTemplate } from '@/api/types';
import { Button } from '@/ui';
import { fetchKeywordTemplates } from './api';
import css from './consent.module.css';

/** Ready-made answers to begin a word from. */
export function TemplateChoice({ onChoose }: { onChoose: (template: KeywordTemplate) => void }) {
  const query = useQuery({
    queryKey: keys.keywordTemplates,
    queryFn: ({ signal }) => fetchKeywordTemplates(signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <fieldset className={css.templates}>
      <legend>Begin with</legend>
      {(query.data?.data ?? []).map((template) => (
        <Button
          key={template.id}
          emphasis="secondary"
          size="xs"
          title={template.description}
          onClick={() => onChoose(template)}
          data-testid={`word-template-${template.id}`}
        >
          {template.title}
        </Button>
      ))}
    </fieldset>
  );
}
