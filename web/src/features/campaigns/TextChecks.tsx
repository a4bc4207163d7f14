import type { TextFinding } from '@/api/text-types';
import type { TextPreview } from '@/api/types';
import { Notice, Tag } from '@/ui';
import css from './texts.module.css';

interface TextChecksProps {
  preview: TextPreview;
  body: string;
  onChange: (body: string) => void;
}

/** What carriers may dislike about the text, and how it gets cheaper, each with a button that does it. */
export function TextChecks({ preview, body, onChange }: TextChecksProps) {
  const { smart, findings } = preview;
  return (
    <>
      {smart !== null && smart.body !== body && (
        <Notice
          tone="warn"
          title={
            smart.segments_after < smart.segments_before
              ? `Plain characters would make it ${smart.segments_after} SMS instead of ${smart.segments_before}`
              : 'Plain characters would leave more room in the SMS'
          }
          action={
            <button
              type="button"
              className={css.do}
              onClick={() => onChange(smart.body)}
              data-testid="apply-smart"
            >
              Replace all
            </button>
          }
        >
          <ul className={css.swaps} aria-label="What would be replaced">
            {smart.replacements.map((each) => (
              <li key={each.from}>
                <del>{visible(each.from)}</del> → <ins>{visible(each.to)}</ins>
                {each.count > 1 && <small> {each.count} times</small>}
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {findings.length > 0 && (
        <section className={css.findings} aria-labelledby="text-findings">
          <h3 id="text-findings">What carriers may dislike</h3>
          <Findings findings={findings} onFix={onChange} />
        </section>
      )}
    </>
  );
}

interface FindingsProps {
  findings: TextFinding[];
  onFix?: (body: string) => void;
}

export function Findings({ findings, onFix }: FindingsProps) {
  return (
    <ul className={css.list}>
      {findings.map((finding) => (
        <li key={finding.rule} data-testid={`finding-${finding.rule}`}>
          <div>
            <Tag tone={finding.severity === 'warning' ? 'warn' : 'neutral'}>
              {finding.severity === 'warning' ? 'Warning' : 'Hint'}
            </Tag>{' '}
            {finding.message}
            {finding.at.length > 0 && (
              <span className={css.places}>
                {finding.at.slice(0, 8).map((place) => (
                  <code key={place.start}>{place.words}</code>
                ))}
              </span>
            )}
            <small>{finding.source}</small>
          </div>
          {onFix !== undefined && finding.fixed_body !== null && (
            <button
              type="button"
              className={css.do}
              onClick={() => onFix(finding.fixed_body ?? '')}
            >
              {finding.fix_label}
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

/** A character that shows nothing, by its number. */
function visible(text: string): string {
  if (text === '') return 'nothing';
  if (text === ' ') return 'space';
  if (text.trim() !== '' && !/^[\u00ad\u200b-\u200f\u2060\ufe0f\ufeff]$/.test(text)) return text;
  return `U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
