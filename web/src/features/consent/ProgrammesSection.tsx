import { IconPlus } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { Programme } from '@/api/types';
import {
  Button,
  Card,
  ConfirmDialog,
  DataTable,
  EmptyState,
  Failure,
  notify,
  SkeletonRows,
  Tag,
  type TableColumn,
} from '@/ui';
import { setProgrammeEnded } from './api';
import css from './consent.module.css';
import { OPT_INS } from './opt-ins';
import { ProgrammeDialog } from './ProgrammeDialog';
import { SubscribersDialog } from './SubscribersDialog';
import { useKeywords, useMayChange, useNumbers, useProgrammes, useRest } from './use-sources';

type Open =
  { kind: 'edit'; programme: Programme | null } | { kind: 'people' | 'end'; programme: Programme };

export function ProgrammesSection() {
  const cache = useQueryClient();
  const { query, programmes } = useProgrammes();
  const { query: words, keywords } = useKeywords();
  useRest(words);
  const numbers = useNumbers();
  const mayChange = useMayChange();
  const [open, setOpen] = useState<Open | null>(null);
  const refresh = () => cache.invalidateQueries({ queryKey: keys.programmes });
  const end = async (programme: Programme, action: 'end' | 'resume') => {
    await setProgrammeEnded(programme.id, action);
    await refresh();
    notify.done(action === 'end' ? 'Programme ended' : 'Programme taken up again');
  };
  const columns: TableColumn<Programme>[] = [
    {
      key: 'name',
      title: 'Programme',
      render: (each) => (
        <span className={css.cell}>
          <strong>{each.name}</strong>
          <span>{OPT_INS[each.opt_in]}</span>
        </span>
      ),
    },
    {
      key: 'words',
      title: 'Words',
      render: (each) => {
        const words = keywords.filter(
          (keyword) => keyword.action.kind === 'join' && keyword.action.programme_id === each.id,
        );
        return words.length === 0 ? '–' : words.map((word) => <Tag key={word.id}>{word.word}</Tag>);
      },
    },
    {
      key: 'sender',
      title: 'Number',
      priority: 'wide',
      render: (each) => numbers.find((sender) => sender.id === each.sender_id)?.label ?? '–',
    },
    {
      key: 'active',
      title: 'Active',
      align: 'end',
      render: (each) => each.active.toLocaleString(),
    },
    {
      key: 'pending',
      title: 'Pending',
      align: 'end',
      priority: 'wide',
      render: (each) => each.pending.toLocaleString(),
    },
    {
      key: 'state',
      title: 'State',
      render: (each) =>
        each.ended_at === null ? (
          <Tag tone="good" dot="dot">
            Open
          </Tag>
        ) : (
          <Tag dot="dot">Ended</Tag>
        ),
    },
    {
      key: 'actions',
      title: 'Actions',
      align: 'end',
      render: (each) => (
        <span className={css.rowActions}>
          <Button
            emphasis="quiet"
            size="xs"
            onClick={() => setOpen({ kind: 'people', programme: each })}
            data-testid="programme-people"
          >
            People
          </Button>
          {mayChange && (
            <>
              <Button
                emphasis="quiet"
                size="xs"
                onClick={() => setOpen({ kind: 'edit', programme: each })}
                data-testid="programme-edit"
              >
                Change
              </Button>
              {each.ended_at === null ? (
                <Button
                  emphasis="quiet"
                  size="xs"
                  onClick={() => setOpen({ kind: 'end', programme: each })}
                >
                  End
                </Button>
              ) : (
                <Button
                  emphasis="quiet"
                  size="xs"
                  onClick={() => void end(each, 'resume').catch(notify.failure)}
                >
                  Take up
                </Button>
              )}
            </>
          )}
        </span>
      ),
    },
  ];
  return (
    <Card
      title="Programmes"
      description="What people join by texting a word, or by a form that asks them by text."
      padding={programmes.length > 0 ? 'none' : 'normal'}
      aside={
        mayChange && (
          <Button
            size="xs"
            leftSection={<IconPlus size={15} />}
            onClick={() => setOpen({ kind: 'edit', programme: null })}
            data-testid="programme-add"
          >
            Add programme
          </Button>
        )
      }
    >
      {query.isPending && <SkeletonRows rows={3} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && programmes.length === 0 && (
        <EmptyState title="No programme yet">
          A programme turns “text JOIN to 12345” into a subscription with its proof.
        </EmptyState>
      )}
      {programmes.length > 0 && (
        <DataTable
          label="Programmes"
          columns={columns}
          rows={programmes}
          rowKey={(each) => each.id}
          rowTestId="programme"
        />
      )}
      {query.hasNextPage && (
        <div className={css.more}>
          <Button
            emphasis="secondary"
            loading={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
            data-testid="programmes-more"
          >
            Show more
          </Button>
        </div>
      )}
      {open?.kind === 'edit' && (
        <ProgrammeDialog
          programme={open.programme}
          onClose={() => setOpen(null)}
          onSaved={() => void refresh()}
        />
      )}
      {open?.kind === 'people' && (
        <SubscribersDialog programme={open.programme} onClose={() => setOpen(null)} />
      )}
      {open?.kind === 'end' && (
        <ConfirmDialog
          title={`End ${open.programme.name}?`}
          confirmLabel="End programme"
          emphasis="danger"
          onConfirm={() => end(open.programme, 'end')}
          onClose={() => setOpen(null)}
        >
          Nobody can join it any more. Who is in it stays in it; opt-ins that wait for an answer
          end. You can take it up again.
        </ConfirmDialog>
      )}
    </Card>
  );
}
