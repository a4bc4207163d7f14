import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { Import, ImportMode } from '@/api/types';
import { notify } from '@/ui';

/** The steps that all imports have in common: one thing at a time, and a trial run before anything is changed. */
export interface ImportSteps {
  busy: boolean;
  /** The trial run that is shown. */
  dryRunId: string | null;
  /** Does one thing, and tells of it when it fails. */
  working: (work: () => Promise<void>) => Promise<void>;
  /** Goes on to what `send` has begun: the trial run, or the import's own page. */
  begin: (mode: ImportMode, send: () => Promise<Import>) => Promise<void>;
  /** From the trial run to the form. */
  back: () => void;
}

/** `letGo` is called when the import has begun: then nothing of the form is lost any more. */
export function useImport(letGo: () => void): ImportSteps {
  const [busy, setBusy] = useState(false);
  const [dryRunId, setDryRunId] = useState<string | null>(null);
  const cache = useQueryClient();
  const navigate = useNavigate();
  const working = async (work: () => Promise<void>) => {
    setBusy(true);
    try {
      await work();
    } catch (error) {
      notify.failure(error);
    } finally {
      setBusy(false);
    }
  };
  const begin = (mode: ImportMode, send: () => Promise<Import>) =>
    working(async () => {
      const started = await send();
      cache.setQueryData(keys.import(started.id), started);
      if (mode === 'dry_run') setDryRunId(started.id);
      else {
        letGo();
        await navigate({ to: '/imports/$importId', params: { importId: started.id } });
      }
    });
  return { busy, dryRunId, working, begin, back: () => setDryRunId(null) };
}
