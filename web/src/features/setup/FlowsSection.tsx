import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useLayoutEffect, useRef, useState } from 'react';
import { errorWords } from '@/api/errors';
import { keys } from '@/api/query-keys';
import type { Flow, FlowProblem } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import { useUnsaved } from '@/lib/unsaved';
import {
  Button,
  Card,
  DataTable,
  EmptyState,
  Failure,
  Notice,
  notify,
  Row,
  SkeletonRows,
  Stack,
  Tag,
  useLeave,
} from '@/ui';
import { fetchFlow, publishFlow, validateFlow } from './api';
import { withStep } from './flow-steps';
import { FlowSteps } from './FlowSteps';
import css from './setup.module.css';
import { useMayManage } from './use-may-manage';
import { useRefresh } from './use-refresh';

export function FlowsSection({ flows }: { flows: Flow[] }) {
  const [open, setOpen] = useState<Flow | null>(null);
  if (open !== null) return <FlowEditor key={open.id} flow={open} onBack={() => setOpen(null)} />;
  return (
    <Card
      padding="none"
      title="Flows"
      description="What the bot says and asks before an agent takes over."
    >
      {flows.length === 0 ? (
        <EmptyState title="No flow yet">
          A bot is written as a file. Name the file in that of your workspace and run “segue apply”,
          or send it to the API; docs/flows.md shows how.
        </EmptyState>
      ) : (
        <DataTable
          label="Flows"
          rows={flows}
          rowKey={(flow) => flow.id}
          onOpen={setOpen}
          rowTestId="flow-row"
          columns={[
            {
              key: 'name',
              title: 'Flow',
              render: (flow) => (
                <div className={css.cell}>
                  <strong>{flow.name}</strong>
                  <code>{flow.slug}</code>
                </div>
              ),
            },
            {
              key: 'version',
              title: 'Published',
              render: (flow) =>
                flow.published_version === null ? (
                  <Tag>Not published</Tag>
                ) : (
                  <Tag tone="good">Version {flow.published_version}</Tag>
                ),
            },
            {
              key: 'updated',
              title: 'Changed',
              priority: 'wide',
              render: (flow) => formatDateTime(flow.updated_at),
            },
          ]}
        />
      )}
    </Card>
  );
}

function FlowEditor({ flow, onBack }: { flow: Flow; onBack: () => void }) {
  const query = useQuery({
    queryKey: keys.flow(flow.id),
    queryFn: ({ signal }) => fetchFlow(flow.id, signal),
  });
  const [leave, leaveDialog] = useLeave(onBack);
  return (
    <Card
      title={flow.name}
      description="A conversation that is under way keeps the version it began with."
      aside={
        <Button emphasis="secondary" size="xs" onClick={leave}>
          All flows
        </Button>
      }
    >
      {leaveDialog}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <SkeletonRows rows={8} height={20} />}
      {query.data !== undefined && <FlowSource initial={query.data} />}
    </Card>
  );
}

type WithSource = Flow & { source: string };

function FlowSource({ initial: flow }: { initial: WithSource }) {
  // What the text began with; somebody else may have published another since.
  const [began, setBegan] = useState(flow);
  const [source, setSource] = useState(flow.source);
  const [newer, setNewer] = useState<WithSource | null>(null);
  useUnsaved('The flow', source === began.source ? 'saved' : 'unsaved');
  const [problems, setProblems] = useState<FlowProblem[] | null>(null);
  const [busy, setBusy] = useState<'check' | 'publish' | null>(null);
  const cache = useQueryClient();
  const refresh = useRefresh();
  const mayManage = useMayManage();
  const field = useRef<HTMLTextAreaElement>(null);
  const caret = useRef<number | null>(null);

  const change = (next: string) => {
    setSource(next);
    setProblems(null);
  };
  const insert = (step: (source: string) => string[]) => {
    const text = field.current;
    if (text === null) return;
    // What is in the field: the author may have gone on writing while the file was uploaded.
    const next = withStep(text.value, text.selectionStart, step(text.value));
    caret.current = next.cursor;
    change(next.source);
  };
  // With the new text comes its cursor: the author goes on writing where the new step ends.
  useLayoutEffect(() => {
    if (caret.current === null) return;
    field.current?.focus();
    field.current?.setSelectionRange(caret.current, caret.current);
    caret.current = null;
  }, [source]);
  const check = async (): Promise<boolean> => {
    const result = await validateFlow(source);
    setProblems(result.problems);
    return result.valid;
  };
  const run = async (kind: 'check' | 'publish') => {
    setBusy(kind);
    try {
      const valid = await check();
      const now = kind === 'publish' && valid ? await fetchFlow(flow.id) : null;
      if (now !== null && now.published_version !== began.published_version) {
        setNewer(now);
      } else if (now !== null) {
        const published = await publishFlow(flow.slug, source);
        setBegan({ ...published, source });
        await Promise.all([refresh(), cache.invalidateQueries({ queryKey: keys.flow(flow.id) })]);
        notify.done(
          `Version ${published.published_version} is published`,
          'New conversations use it from now on.',
        );
      }
    } catch (error) {
      notify.problem(errorWords(error).title, errorWords(error).message);
    } finally {
      setBusy(null);
    }
  };
  return (
    <Stack gap={12}>
      {mayManage && <FlowSteps onInsert={insert} />}
      <textarea
        ref={field}
        className={css.source}
        value={source}
        spellCheck={false}
        rows={24}
        aria-label={`Source of ${flow.name}`}
        data-testid="flow-source"
        onChange={(event) => change(event.target.value)}
      />
      {problems !== null && problems.length === 0 && (
        <Notice tone="good" live="status">
          The flow is sound.
        </Notice>
      )}
      {problems !== null && problems.length > 0 && (
        <Notice tone="bad" title={`${problems.length} to correct`} live="alert">
          <ol className={css.problems}>
            {problems.map((problem, index) => (
              <li key={index}>
                {problem.line !== null && <code>Line {problem.line}</code>} {problem.message}
              </li>
            ))}
          </ol>
        </Notice>
      )}
      {newer !== null && (
        <Notice tone="warn" title="Somebody else has published this flow meanwhile" live="alert">
          Version {newer.published_version} is not what you began with, so yours was not published.
          <Row>
            <Button
              emphasis="secondary"
              size="xs"
              onClick={() => {
                change(newer.source);
                setBegan(newer);
                setNewer(null);
              }}
            >
              Load the newer one
            </Button>
            <Button
              emphasis="quiet"
              size="xs"
              onClick={() => {
                // The next try writes over it knowingly.
                setBegan(newer);
                setNewer(null);
              }}
              data-testid="flow-keep-mine"
            >
              Keep mine
            </Button>
          </Row>
        </Notice>
      )}
      <Row>
        <Button
          emphasis="secondary"
          loading={busy === 'check'}
          onClick={() => void run('check')}
          data-testid="flow-validate"
        >
          Validate
        </Button>
        <Button
          loading={busy === 'publish'}
          disabled={source === began.source || !mayManage}
          onClick={() => void run('publish')}
          data-testid="flow-publish"
        >
          Publish new version
        </Button>
      </Row>
    </Stack>
  );
}
