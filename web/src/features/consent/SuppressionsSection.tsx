import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { Suppression, SuppressionSource } from '@/api/text-types';
import { formatPhone } from '@/lib/phone';
import { formatDateTime } from '@/lib/time';
import { useDebounced } from '@/lib/use-debounced';
import { useLive } from '@/live';
import {
  Button,
  Card,
  DataTable,
  Dialog,
  EmptyState,
  Failure,
  notify,
  Row,
  SelectField,
  SkeletonRows,
  Stack,
  TextArea,
  TextField,
} from '@/ui';
import { BounceRulesCard } from './BounceRulesCard';
import { FormDialog, text } from './FormDialog';
import { deactivationsOf, MOST_NUMBERS, numbersOf, rejectedWords } from './numbers';
import css from './suppressions.module.css';
import {
  addSuppressions,
  deactivateNumbers,
  fetchSuppressionEvents,
  fetchSuppressions,
  removeSuppressions,
} from './suppressions-api';

const SOURCES: Record<SuppressionSource, string> = {
  manual: 'By hand',
  file: 'From a file',
  bounce: 'Messages bounced',
  deactivated: 'Number given up',
};

/** Addresses to which nothing promotional is ever sent, whatever their consent says. */
export function SuppressionsSection() {
  const mayManage = useLive((state) => state.user?.role === 'admin');
  const cache = useQueryClient();
  const [search, setSearch] = useState('');
  const [source, setSource] = useState<SuppressionSource | ''>('');
  const [dialog, setDialog] = useState<'add' | 'deactivate' | null>(null);
  const [removing, setRemoving] = useState<Suppression | null>(null);
  const [shown, setShown] = useState<Suppression | null>(null);
  const settled = useDebounced(search.trim(), 250);
  const query = useInfiniteQuery({
    queryKey: keys.suppressions(settled, source),
    queryFn: ({ pageParam, signal }) => fetchSuppressions(settled, source, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: (previous) => previous,
  });
  const refresh = () => cache.invalidateQueries({ queryKey: keys.allSuppressions });
  const rows = query.data?.pages.flatMap((page) => page.data) ?? [];
  const isFiltered = settled !== '' || source !== '';
  return (
    <Stack>
      <Card
        padding="none"
        title="Suppression list"
        description="Nothing is sent to these numbers but answers to their own words. What waits for them is ended at once."
        aside={
          <Row>
            <Button
              emphasis="secondary"
              onClick={() => setDialog('deactivate')}
              data-testid="numbers-deactivate"
            >
              Numbers given up
            </Button>
            <Button
              leftSection={<IconPlus size={16} />}
              onClick={() => setDialog('add')}
              data-testid="suppression-new"
            >
              Add
            </Button>
          </Row>
        }
      >
        <div className={css.search}>
          <TextField
            aria-label="Search the suppression list"
            placeholder="Number or reason"
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
          <SelectField
            aria-label="Where from"
            value={source}
            onChange={(event) => setSource(event.currentTarget.value as SuppressionSource | '')}
            data={[
              { value: '', label: 'From anywhere' },
              ...Object.entries(SOURCES).map(([value, label]) => ({ value, label })),
            ]}
          />
        </div>
        {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <SkeletonRows rows={5} />}
        {query.isSuccess && rows.length === 0 && (
          <EmptyState title={isFiltered ? 'Nobody matches' : 'Nobody is on the list'}>
            {isFiltered
              ? 'Look for a part of a number or of a reason.'
              : 'Add numbers that must never get a promotion. Numbers that bounce come here by themselves.'}
          </EmptyState>
        )}
        {rows.length > 0 && (
          <DataTable
            label="Suppression list"
            rows={rows}
            rowKey={(row) => row.address}
            rowTestId="suppression"
            columns={[
              {
                key: 'address',
                title: 'Number',
                render: (row) => <strong>{formatPhone(row.address)}</strong>,
              },
              { key: 'reason', title: 'Why', render: (row) => row.reason },
              {
                key: 'source',
                title: 'From',
                priority: 'wide',
                render: (row) => `${SOURCES[row.source]}, ${formatDateTime(row.created_at)}`,
              },
              {
                key: 'actions',
                title: 'What to do',
                align: 'end',
                render: (row) => (
                  <Row>
                    <Button emphasis="quiet" size="xs" onClick={() => setShown(row)}>
                      History
                    </Button>
                    {mayManage && (
                      <Button emphasis="quiet" size="xs" onClick={() => setRemoving(row)}>
                        Remove
                      </Button>
                    )}
                  </Row>
                ),
              },
            ]}
          />
        )}
        {query.hasNextPage && (
          <div className={css.more}>
            <Button
              emphasis="secondary"
              loading={query.isFetchingNextPage}
              onClick={() => void query.fetchNextPage()}
            >
              Show more
            </Button>
          </div>
        )}
      </Card>
      {mayManage && <BounceRulesCard />}
      {dialog === 'add' && (
        <AddDialog onClose={() => setDialog(null)} onAdded={() => void refresh()} />
      )}
      {dialog === 'deactivate' && (
        <DeactivateDialog onClose={() => setDialog(null)} onDone={() => void refresh()} />
      )}
      {removing !== null && (
        <FormDialog
          title={`Take ${formatPhone(removing.address)} off the list?`}
          saveLabel="Remove"
          testId="suppression-remove"
          onClose={() => setRemoving(null)}
          onSave={async (form) => {
            await removeSuppressions([removing.address], text(form, 'reason'));
            await refresh();
            notify.done('Removed from the list');
          }}
        >
          <p className={css.note}>
            Its consent stays as it was: whoever had opted out still has. You can add the number
            again.
          </p>
          <TextField
            label="Why"
            description="Stays on record."
            name="reason"
            maxLength={200}
            required
            withAsterisk={false}
            data-autofocus
          />
        </FormDialog>
      )}
      {shown !== null && <History entry={shown} onClose={() => setShown(null)} />}
    </Stack>
  );
}

function History({ entry, onClose }: { entry: Suppression; onClose: () => void }) {
  const events = useQuery({
    queryKey: keys.suppressionEvents(entry.address),
    queryFn: ({ signal }) => fetchSuppressionEvents(entry.address, signal),
  });
  return (
    <Dialog title={`History of ${formatPhone(entry.address)}`} onClose={onClose}>
      {events.isError && <Failure error={events.error} onRetry={() => void events.refetch()} />}
      {events.isPending && <SkeletonRows rows={3} />}
      <ol className={css.history}>
        {(events.data?.data ?? []).map((event) => (
          <li key={`${event.at} ${event.action}`}>
            {event.action === 'added' ? 'Put on the list' : 'Taken off the list'}: {event.reason}
            <small>
              {SOURCES[event.source]}, {formatDateTime(event.at)}
            </small>
          </li>
        ))}
      </ol>
    </Dialog>
  );
}

interface FileTextProps {
  label: string;
  description: string;
  value: string;
  onChange: (value: string) => void;
  onFile: () => void;
}

function FileText({ label, description, value, onChange, onFile }: FileTextProps) {
  return (
    <>
      <TextArea
        label={label}
        description={description}
        rows={5}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        required
        withAsterisk={false}
        data-autofocus
      />
      <label className={css.file}>
        <span>Or choose a file</span>
        <input
          type="file"
          accept=".csv,.txt,text/csv,text/plain"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            if (file === undefined) return;
            file
              .text()
              .then((content) => {
                onChange(content);
                onFile();
              })
              .catch((error: unknown) => notify.failure(error));
          }}
        />
      </label>
    </>
  );
}

/** Runs a list in requests that are not too large. */
async function inChunks<T>(all: T[], run: (chunk: T[]) => Promise<void>): Promise<void> {
  for (let start = 0; start < all.length; start += MOST_NUMBERS) {
    await run(all.slice(start, start + MOST_NUMBERS));
  }
}

function AddDialog({ onClose, onAdded }: { onClose: () => void; onAdded: () => void }) {
  const [list, setList] = useState('');
  const [source, setSource] = useState<'manual' | 'file'>('manual');
  const numbers = numbersOf(list);
  return (
    <FormDialog
      title="Add to the suppression list"
      saveLabel={numbers.length > 1 ? `Add ${numbers.length.toLocaleString()} numbers` : 'Add'}
      testId="suppression-save"
      onClose={onClose}
      onSave={async (form) => {
        let [added, known] = [0, 0];
        const rejected: { line: number; message: string }[] = [];
        let start = 0;
        await inChunks(numbers, async (chunk) => {
          const result = await addSuppressions({
            numbers: chunk,
            reason: text(form, 'reason'),
            source,
          });
          added += result.changed;
          known += result.unchanged;
          const before = start;
          rejected.push(...result.rejected.map((each) => ({ ...each, line: each.line + before })));
          start += chunk.length;
          // At once: what is on the list stays there, whatever becomes of the next chunk.
          onAdded();
        });
        notify.done(
          [
            `${added} added`,
            ...(known > 0 ? [`${known} were on the list`] : []),
            ...rejectedWords(rejected),
          ].join(', '),
        );
      }}
    >
      <FileText
        label="Phone numbers"
        description="One on each line; of a CSV file the first column is read."
        value={list}
        onChange={setList}
        onFile={() => setSource('file')}
      />
      <TextField
        label="Why"
        name="reason"
        placeholder="Asked by phone not to be texted"
        maxLength={200}
        required
        withAsterisk={false}
      />
    </FormDialog>
  );
}

function DeactivateDialog({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [list, setList] = useState('');
  const numbers = deactivationsOf(list);
  return (
    <FormDialog
      title="Numbers that were given up"
      saveLabel={
        numbers.length > 1 ? `Take out ${numbers.length.toLocaleString()} numbers` : 'Take out'
      }
      testId="deactivate-save"
      onClose={onClose}
      onSave={async (form) => {
        let [ended, suppressed, kept] = [0, 0, 0];
        const rejected: { line: number; message: string }[] = [];
        let start = 0;
        await inChunks(numbers, async (chunk) => {
          const result = await deactivateNumbers({
            numbers: chunk,
            source: text(form, 'source'),
          });
          ended += result.consents_ended;
          suppressed += result.suppressed;
          kept += result.kept;
          const before = start;
          rejected.push(...result.rejected.map((each) => ({ ...each, line: each.line + before })));
          start += chunk.length;
          // At once: what is on the list stays there, whatever becomes of the next chunk.
          onDone();
        });
        notify.done(
          [
            `${ended} lost their consent`,
            `${suppressed} put on the list`,
            ...(kept > 0 ? [`${kept} kept: their owner said yes afterwards`] : []),
            ...rejectedWords(rejected),
          ].join(', '),
        );
      }}
    >
      <p className={css.note}>
        Every consent of these numbers ends, and nothing is sent to them until their new owner opts
        in.
      </p>
      <FileText
        label="Numbers and days"
        description="A number on each line; the day it was given up on in the second column, as 2026-11-20."
        value={list}
        onChange={setList}
        onFile={() => undefined}
      />
      <TextField
        label="Where the list is from"
        name="source"
        placeholder="AT&T's file of November"
        maxLength={200}
        required
        withAsterisk={false}
      />
    </FormDialog>
  );
}
