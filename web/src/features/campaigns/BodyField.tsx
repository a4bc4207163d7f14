import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { keys } from '@/api/query-keys';
import { countSegments, highlightRuns } from '@/lib/gsm7';
import { insertAt, MERGE_FIELDS, mergeToken } from '@/lib/merge-fields';
import { fetchSnippets } from './api';
import css from './editor.module.css';
import texts from './texts.module.css';

interface BodyFieldProps {
  value: string;
  onChange: (value: string) => void;
  counter: React.ReactNode;
  /** What was found about the text. */
  checks: React.ReactNode;
}

/** The text with merge fields; characters outside the SMS alphabet are marked where they stand. */
export function BodyField({ value, onChange, counter, checks }: BodyFieldProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const foreign = countSegments(value).nonGsm;
  const snippets = useQuery({
    queryKey: keys.snippets,
    queryFn: ({ signal }) => fetchSnippets(signal),
    staleTime: 60_000,
  });
  const blocks = snippets.data?.data ?? [];
  // Chosen first and inserted then: arrow keys go through a list by choosing.
  const [chosen, setChosen] = useState('');
  const block = blocks.find((each) => each.name === chosen) ?? blocks[0];

  const insert = (token: string) => {
    const box = field.current;
    const next = insertAt(
      value,
      box?.selectionStart ?? value.length,
      box?.selectionEnd ?? value.length,
      token,
    );
    onChange(next.text);
    requestAnimationFrame(() => {
      box?.focus();
      box?.setSelectionRange(next.cursor, next.cursor);
    });
  };

  return (
    <div className={css.bodyField}>
      <div className={css.bodyHead}>
        <label htmlFor="campaign-body">Text</label>
        <div className={css.inserts} role="group" aria-label="Insert a merge field">
          {MERGE_FIELDS.map((each) => (
            <button key={each.name} type="button" onClick={() => insert(mergeToken(each.name))}>
              + {each.label}
            </button>
          ))}
          {block !== undefined && (
            <>
              <select
                aria-label="Snippet to insert"
                value={block.name}
                onChange={(event) => setChosen(event.currentTarget.value)}
                data-testid="snippet-choice"
              >
                {blocks.map((each) => (
                  <option key={each.id} value={each.name}>
                    {each.name}
                  </option>
                ))}
              </select>
              <button
                type="button"
                onClick={() => insert(`{% include "${block.name}" %}`)}
                data-testid="insert-snippet"
              >
                + Snippet
              </button>
            </>
          )}
        </div>
      </div>
      <div className={css.editor}>
        <div className={css.backdrop} aria-hidden="true">
          {highlightRuns(value).map((run, index) =>
            run.gsm ? <span key={index}>{run.text}</span> : <mark key={index}>{run.text}</mark>,
          )}
          {'\u200b'}
        </div>
        <textarea
          ref={field}
          id="campaign-body"
          value={value}
          placeholder="Hi {{ first_name }}, our spring offer is here. Tap to ask us anything:"
          onChange={(event) => onChange(event.target.value)}
          data-testid="campaign-body"
        />
      </div>
      {counter}
      {foreign.length > 0 && (
        <p className={css.foreign}>
          These characters take an SMS from 160 to 70:{' '}
          {foreign.slice(0, 20).map((character) => (
            <code key={character}>{character}</code>
          ))}
        </p>
      )}
      {checks}
      <TemplateHelp />
    </div>
  );
}

/** What the template language can do, for those who want more than merge fields. */
function TemplateHelp() {
  return (
    <details className={texts.help}>
      <summary>Conditions, look-ups and snippets</summary>
      <dl>
        <dt>
          <code>{'{{ first_name | default("there") }}'}</code>
        </dt>
        <dd>a field, and what stands there when it is empty</dd>
        <dt>
          <code>{'{% if city == "Rome" %}Ciao{% else %}Hi{% endif %}'}</code>
        </dt>
        <dd>a condition; also and, or, not, in</dd>
        <dt>
          <code>{'{% if points > 100 %}Gold{% elif vip %}Silver{% endif %}'}</code>
        </dt>
        <dd>
          fields and columns that are defined as a number or as yes or no are compared as such (0
          and no count as not there); all others are words
        </dd>
        <dt>
          <code>{'{{ {"gold": "10 %"}[tier] | default("5 %") }}'}</code>
        </dt>
        <dd>a look-up</dd>
        <dt>
          <code>{'{% include "legal-line" %}'}</code>
        </dt>
        <dd>a snippet; a campaign keeps the version it was started with</dd>
      </dl>
    </details>
  );
}
