import { useRef } from 'react';
import { highlightRuns, plainLookalike, toPlainCharacters, countSegments } from '@/lib/gsm7';
import { insertAt, MERGE_FIELDS, mergeToken } from '@/lib/merge-fields';
import { Notice } from '@/ui';
import css from './editor.module.css';

interface BodyFieldProps {
  value: string;
  onChange: (value: string) => void;
  counter: React.ReactNode;
}

/** The text with merge fields; characters outside the SMS alphabet are marked where they stand. */
export function BodyField({ value, onChange, counter }: BodyFieldProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const foreign = countSegments(value).nonGsm;
  const replaceable = foreign.some((character) => plainLookalike(character) !== null);

  const insert = (name: string) => {
    const box = field.current;
    const next = insertAt(
      value,
      box?.selectionStart ?? value.length,
      box?.selectionEnd ?? value.length,
      mergeToken(name),
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
            <button key={each.name} type="button" onClick={() => insert(each.name)}>
              + {each.label}
            </button>
          ))}
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
        <Notice
          tone="warn"
          title="These characters make the text more expensive"
          action={
            replaceable && (
              <button
                type="button"
                className={css.textButton}
                onClick={() => onChange(toPlainCharacters(value))}
              >
                Replace by plain ones
              </button>
            )
          }
        >
          <span className={css.foreign}>
            {foreign.slice(0, 20).map((character) => (
              <code key={character}>{character}</code>
            ))}
          </span>
          With them an SMS holds 70 characters instead of 160.
        </Notice>
      )}
    </div>
  );
}
