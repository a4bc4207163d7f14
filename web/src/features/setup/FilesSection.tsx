import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '@/api/client';
import type { FileCheck } from '@/api/file-check-types';
import { keys } from '@/api/query-keys';
import { counted } from '@/lib/counted';
import { Button, Card, Failure, Notice, notify, SkeletonRows, Stack, Tag, type Tone } from '@/ui';
import css from './setup.module.css';
import { useMayManage } from './use-may-manage';

const WORDS: Record<FileCheck['state'], { label: string; tone: Tone }> = {
  off: { label: 'Off', tone: 'neutral' },
  working: { label: 'Works', tone: 'good' },
  failing: { label: 'Does not answer', tone: 'bad' },
};

/** Whether files are checked for viruses, and what waits for it. */
export function FilesSection() {
  const cache = useQueryClient();
  const mayManage = useMayManage();
  const [busy, setBusy] = useState<'yes' | 'no'>('no');
  const query = useQuery({
    queryKey: keys.fileCheck,
    queryFn: ({ signal }) => api.get<FileCheck>('/file-check', {}, signal),
    refetchInterval: 15_000,
  });
  const check = query.data;
  const again = async () => {
    setBusy('yes');
    try {
      const { files } = await api.post<{ files: number }>('/file-check/again');
      notify.done(`${counted(files, 'file is', 'files are')} checked again`);
      await cache.invalidateQueries({ queryKey: keys.fileCheck });
    } catch (error) {
      notify.failure(error);
    } finally {
      setBusy('no');
    }
  };
  return (
    <Card
      title="Virus check"
      description="Where ClamAV’s daemon is set, every file is checked before anybody can open it: uploads before they are taken, what customers send before it is shown. What cannot be checked stays closed."
      aside={check && <Tag tone={WORDS[check.state].tone}>{WORDS[check.state].label}</Tag>}
    >
      {query.isPending && <SkeletonRows rows={2} />}
      {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
      {check !== undefined && (
        <div data-testid="file-check" data-state={check.state}>
          <Stack gap={12}>
            {check.state === 'off' && (
              <p>
                Files are not checked for viruses. To check them, install ClamAV’s daemon and start
                Segue with SEGUE_CLAMD, such as unix:/run/clamav/clamd.ctl or clamav:3310. Files
                that are here already are not checked.
              </p>
            )}
            {check.state === 'working' && (
              <p>
                {check.version} at {check.address}
              </p>
            )}
            {check.problem !== null && (
              <Notice tone="bad" title="Uploads are refused, and what customers send stays closed">
                <span data-testid="file-check-problem">{check.problem}</span>
              </Notice>
            )}
            <dl className={css.facts}>
              <dt>Being checked</dt>
              <dd data-testid="file-check-checking">{check.files.checking.toLocaleString()}</dd>
              <dt>Held a virus and were removed</dt>
              <dd data-testid="file-check-infected">{check.files.infected.toLocaleString()}</dd>
              <dt>Could not be checked</dt>
              <dd data-testid="file-check-unchecked">{check.files.unchecked.toLocaleString()}</dd>
            </dl>
            {check.last_problem !== null && <p>The last problem: {check.last_problem}</p>}
            {mayManage && check.files.unchecked > 0 && (
              <div>
                <Button
                  emphasis="secondary"
                  loading={busy === 'yes'}
                  onClick={() => void again()}
                  data-testid="file-check-again"
                >
                  Check them again
                </Button>
              </div>
            )}
          </Stack>
        </div>
      )}
    </Card>
  );
}
