import type { Import } from '@/api/types';
import { Notice, ProgressBar } from '@/ui';
import { errorsUrl } from './api';
import css from './imports.module.css';
import { reasons } from './words';

/** How far an import is. */
export function RunningBar({ value }: { value: Import }) {
  return (
    <div className={css.progress}>
      <ProgressBar value={value.rows_read} max={value.rows_total} label="Rows read" />
      <p className={css.samples} role="status">
        {value.rows_read.toLocaleString()} of {value.rows_total.toLocaleString()} rows
      </p>
    </div>
  );
}

/** What an import came to, or would come to. */
export function Figures({ value }: { value: Import }) {
  const figures = [
    { key: 'rows_read', label: 'rows read', count: value.rows_read },
    {
      key: 'created',
      label: value.table_id === null ? 'new contacts' : 'new rows',
      count: value.created,
    },
    { key: 'updated', label: 'updated', count: value.updated },
    { key: 'unchanged', label: 'known already', count: value.unchanged },
    {
      key: 'opted_in',
      label: 'with consent',
      count: value.opted_in,
      onlySome: value.table_id !== null,
    },
    { key: 'opted_out', label: 'opted out', count: value.opted_out, onlySome: true },
    { key: 'rejected', label: 'rejected', count: value.rejected, tone: 'warn' },
  ];
  return (
    <div className={css.figures}>
      {figures
        .filter((figure) => figure.onlySome !== true || figure.count > 0)
        .map((figure) => (
          <div key={figure.key} data-tone={figure.count > 0 ? figure.tone : undefined}>
            <strong data-testid={`import-${figure.key}`}>{figure.count.toLocaleString()}</strong>
            <span>{figure.label}</span>
          </div>
        ))}
    </div>
  );
}

/** What a person should know of the result, and the file of rejected rows. */
export function Notes({ value }: { value: Import }) {
  return (
    <>
      {value.rejected > 0 && (
        <Notice
          tone="warn"
          title={
            value.rejected === 1
              ? '1 row is rejected'
              : `${value.rejected.toLocaleString()} rows are rejected`
          }
          action={
            <a href={errorsUrl(value.id)} download data-testid="import-errors">
              Download them with the reasons
            </a>
          }
        >
          <dl className={css.reasons}>
            {reasons(value.rejections).map(({ reason, count }) => (
              <div key={reason} style={{ display: 'contents' }}>
                <dt>{count.toLocaleString()}</dt>
                <dd>{reason}</dd>
              </div>
            ))}
          </dl>
          <p>Correct that file and import it by itself; nothing is taken in twice.</p>
        </Notice>
      )}
      {value.without_evidence > 0 && (
        <Notice tone="warn">
          For {value.without_evidence.toLocaleString()} the file says yes, but nothing proves it:
          they come without consent. Give the wording or the proof.
        </Notice>
      )}
      {value.kept_out > 0 && (
        <Notice tone="info">
          {value.kept_out.toLocaleString()} opted out earlier and stay opted out. Only they
          themselves can come back, by texting START.
        </Notice>
      )}
      {value.held_back > 0 && (
        <Notice tone="info">
          {value.held_back.toLocaleString()} have no opt-in: the consent in the file has ended, or
          what they wrote waits for a review.
        </Notice>
      )}
    </>
  );
}
