import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { errorWords } from '@/api/errors';
import { keys } from '@/api/query-keys';
import type { ConditionCheck, Segment, SegmentGroup } from '@/api/types';
import { formatPhone } from '@/lib/phone';
import { useUnsaved } from '@/lib/unsaved';
import { useDebounced } from '@/lib/use-debounced';
import {
  Button,
  Card,
  ChoiceTabs,
  ConfirmDialog,
  EmptyState,
  Failure,
  Notice,
  notify,
  Page,
  Skeleton,
  TextArea,
  TextField,
} from '@/ui';
import { changeSegment, checkCondition, createSegment, deleteSegment, fetchSegment } from './api';
import { GroupEditor } from './GroupEditor';
import { MemberTable } from './MemberTable';
import css from './segments.module.css';
import { EMPTY_FORM } from './words';

type Mode = 'form' | 'text';

/** How a stored segment is shown. */
const modeOf = (segment: Segment | null): Mode =>
  segment !== null && segment.form === null ? 'text' : 'form';

/** Writes a segment as rows or as text, and shows who it is while it is being written. */
export function SegmentEditor({ segment }: { segment: Segment | null }) {
  const [name, setName] = useState(segment?.name ?? '');
  const [mode, setMode] = useState(modeOf(segment));
  const [form, setForm] = useState<SegmentGroup>(segment?.form ?? EMPTY_FORM);
  const [text, setText] = useState(segment?.condition ?? '');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  // The one that what is typed here began with, and whether somebody else has saved a newer one.
  const [version, setVersion] = useState(segment?.version ?? 0);
  const [newer, setNewer] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const navigate = useNavigate();
  const cache = useQueryClient();

  const condition = mode === 'form' ? { form } : { condition: text };
  const written = JSON.stringify({ name, condition });
  const [stored, setStored] = useState(written);
  const letGo = useUnsaved('The segment', written === stored ? 'saved' : 'unsaved');
  const asked = useDebounced(JSON.stringify(condition), 350);
  const check = useQuery({
    queryKey: keys.conditionCheck(asked),
    queryFn: () => checkCondition(JSON.parse(asked) as { condition: string }),
    placeholderData: (previous) => previous,
  });

  const switchTo = async (next: Mode) => {
    if (next === mode) return;
    let known = check.data;
    // The answer on the screen may be to what was written before.
    if (known === undefined || asked !== JSON.stringify(condition) || check.isPlaceholderData) {
      try {
        known = await checkCondition(condition);
      } catch (error) {
        notify.failure(error);
        return;
      }
    }
    // Where nothing is written yet, nothing is lost.
    const isWritten =
      mode === 'form' ? JSON.stringify(form) !== JSON.stringify(EMPTY_FORM) : text.trim() !== '';
    if (isWritten && known.problem != null) {
      notify.problem(
        mode === 'form' ? 'Complete the rows first' : 'Correct the text first',
        known.problem.message,
      );
      return;
    }
    // The same, written otherwise, is no change.
    const same = (other: object) => {
      if (written === stored) setStored(JSON.stringify({ name, condition: other }));
    };
    if (next === 'text') {
      const asText = isWritten ? (known.condition ?? text) : '';
      setText(asText);
      same({ condition: asText });
      setMode('text');
    } else if (!isWritten || known.form != null) {
      const rows = isWritten && known.form != null ? known.form : EMPTY_FORM;
      setForm(rows);
      same({ form: rows });
      setMode('form');
    } else {
      notify.problem('It stays as text', 'This condition says more than rows can.');
    }
  };

  const save = async (over = version) => {
    setBusy(true);
    setProblem(null);
    try {
      const saved =
        segment === null
          ? await createSegment(name, condition)
          : await changeSegment(segment.id, name, condition, over);
      setVersion(saved.version);
      setNewer(false);
      cache.setQueryData(keys.segment(saved.id), saved);
      void cache.invalidateQueries({ queryKey: keys.segments });
      setStored(written);
      notify.done('Segment saved');
      if (segment === null) {
        letGo();
        await navigate({ to: '/segments/$segmentId', params: { segmentId: saved.id } });
      }
    } catch (error) {
      const isNewer = errorWords(error).code === 'changed_meanwhile';
      setNewer(isNewer);
      setProblem(isNewer ? null : errorWords(error).message);
    } finally {
      setBusy(false);
    }
  };
  /** What somebody else has saved meanwhile: in place of what was typed here, or written over by it. */
  const settle = async (id: string, which: 'theirs' | 'mine') => {
    const theirs = await fetchSegment(id);
    if (which === 'mine') return save(theirs.version);
    const rows = theirs.form ?? EMPTY_FORM;
    const asForm = modeOf(theirs) === 'form';
    cache.setQueryData(keys.segment(id), theirs);
    setName(theirs.name);
    setMode(modeOf(theirs));
    setForm(rows);
    setText(theirs.condition);
    setStored(
      JSON.stringify({
        name: theirs.name,
        condition: asForm ? { form: rows } : { condition: theirs.condition },
      }),
    );
    setVersion(theirs.version);
    setNewer(false);
    setProblem(null);
  };

  return (
    <Page
      title={name.trim() === '' ? 'New segment' : name}
      back={<Link to="/segments">← Segments</Link>}
      actions={
        <>
          {segment !== null && (
            <Button emphasis="quiet" onClick={() => setDeleting(true)} data-testid="segment-delete">
              Delete
            </Button>
          )}
          <Button
            onClick={() => void save()}
            loading={busy}
            disabled={name.trim() === '' || (check.data?.problem ?? null) !== null}
            data-testid="segment-save"
          >
            Save
          </Button>
        </>
      }
    >
      <div className={css.layout}>
        <Card>
          <TextField
            label="Name"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            data-testid="segment-name"
          />
          <div className={css.modes} style={{ marginTop: 18 }}>
            <strong>Who belongs to it</strong>
            <ChoiceTabs
              label="Written as"
              value={mode}
              onChange={(next) => void switchTo(next)}
              items={[
                { value: 'form', label: 'Rows', testId: 'segment-mode-form' },
                { value: 'text', label: 'Text', testId: 'segment-mode-text' },
              ]}
            />
          </div>
          {mode === 'form' ? (
            <GroupEditor group={form} onChange={setForm} depth={0} />
          ) : (
            <>
              <TextArea
                aria-label="Condition"
                className={css.code ?? ''}
                value={text}
                onChange={(event) => setText(event.currentTarget.value)}
                autosize
                minRows={5}
                spellCheck={false}
                placeholder={'contact.city == "Berlin" && clicked(90)'}
                data-testid="segment-text"
              />
              <ul className={css.help}>
                <li>
                  <code>contact.city == "Berlin"</code>, <code>has(contact.email)</code>,{' '}
                  <code>int(contact.points) &gt;= 100</code>
                </li>
                <li>
                  <code>clicked(30)</code>, <code>received()</code>,{' '}
                  <code>replied("cmp_…", 7)</code>, <code>consent("sms") == "granted"</code>,{' '}
                  <code>on_list("lst_…")</code>
                </li>
                <li>
                  Join with <code>&amp;&amp;</code> (and), <code>||</code> (or), <code>!</code>{' '}
                  (not).
                </li>
              </ul>
            </>
          )}
          {problem !== null && (
            <p className={css.problem} role="alert">
              {problem}
            </p>
          )}
          {newer && segment !== null && (
            <div data-testid="segment-newer">
              <Notice tone="warn" title="Somebody else has changed this segment" live="status">
                What you typed since is not saved.{' '}
                <Button
                  emphasis="secondary"
                  onClick={() => void settle(segment.id, 'theirs').catch(notify.failure)}
                >
                  Load the newer one
                </Button>{' '}
                <Button
                  emphasis="quiet"
                  onClick={() => void settle(segment.id, 'mine').catch(notify.failure)}
                >
                  Keep mine
                </Button>
              </Notice>
            </div>
          )}
        </Card>
        <aside className={css.aside} aria-label="Who belongs to it now">
          <CheckCard check={check.data} error={check.error} />
        </aside>
      </div>
      {segment !== null && <MemberTable segment={segment} />}
      {deleting && segment !== null && (
        <ConfirmDialog
          title="Delete this segment?"
          confirmLabel="Delete segment"
          emphasis="danger"
          testId="confirm-segment-delete"
          onClose={() => setDeleting(false)}
          onConfirm={async () => {
            await deleteSegment(segment.id);
            letGo();
            void cache.invalidateQueries({ queryKey: keys.segments });
            await navigate({ to: '/segments' });
          }}
        >
          Contacts stay as they are. A segment that a campaign still needs cannot be deleted.
        </ConfirmDialog>
      )}
    </Page>
  );
}

function CheckCard({ check, error }: { check: ConditionCheck | undefined; error: Error | null }) {
  return (
    <Card title="Now">
      <div aria-live="polite">
        {error !== null && <Failure error={error} />}
        {error === null && check === undefined && <Skeleton height={40} width="90px" />}
        {check?.problem != null && (
          <p className={css.problem} data-testid="segment-problem">
            {check.problem.message}
            {check.problem.place !== null &&
              ` (line ${check.problem.place.line}, column ${check.problem.place.column})`}
          </p>
        )}
        {check !== undefined && check.problem === null && (
          <>
            <div className={css.big} data-testid="segment-count">
              {(check.count ?? 0).toLocaleString()}
            </div>
            <p className={css.muted}>{check.count === 1 ? 'contact' : 'contacts'}</p>
            {check.count === 0 ? (
              <EmptyState title="Nobody yet">Loosen a row, or wait for what it asks.</EmptyState>
            ) : (
              <ul className={css.people}>
                {check.sample.map((member) => (
                  <li key={member.id}>
                    {member.name ?? 'Without name'}
                    <span>{formatPhone(member.phone)}</span>
                  </li>
                ))}
              </ul>
            )}
          </>
        )}
      </div>
    </Card>
  );
}
