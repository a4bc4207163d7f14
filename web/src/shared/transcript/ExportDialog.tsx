import { useState } from 'react';
import type { NewTranscriptExport, TranscriptSubject } from '@/api/inbox-types';
import { useLive } from '@/live';
import { Button, CheckField, Dialog, DialogActions, notify, SelectField, Stack } from '@/ui';
import { exportTranscript } from './api';

interface ExportProps {
  /** What can be taken out; the first is proposed. */
  subjects: { label: string; of: TranscriptSubject }[];
  onClose: () => void;
}

/** Lets the browser fetch a file, which never fills the memory of the page. */
function download(url: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = '';
  document.body.append(link);
  link.click();
  link.remove();
}

/** Takes a transcript out as a file: of what, in which form, and whether with what only colleagues see. */
export default function ExportDialog({ subjects, onClose }: ExportProps) {
  const ofWorkspace = useLive((state) => state.workspace?.time_zone ?? 'UTC');
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones = [...new Set([ofWorkspace, own, 'UTC'])];
  const [chosen, setChosen] = useState(0);
  const [format, setFormat] = useState<NewTranscriptExport['format']>('html');
  const [zone, setZone] = useState(ofWorkspace);
  const [notes, setNotes] = useState(false);
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    const subject = subjects[chosen] ?? subjects[0];
    if (subject === undefined) return;
    setBusy(true);
    try {
      const made = await exportTranscript({
        of: subject.of,
        format,
        include_notes: notes,
        time_zone: zone,
      });
      download(made.file_url);
      notify.done('The file is being downloaded', 'It is noted that you took it out.');
      onClose();
    } catch (error) {
      notify.failure(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title="Take a transcript out" onClose={onClose} testId="export-dialog">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Stack gap={12}>
          {subjects.length > 1 && (
            <SelectField
              label="What"
              value={String(chosen)}
              data={subjects.map((each, index) => ({ value: String(index), label: each.label }))}
              onChange={(event) => setChosen(Number(event.currentTarget.value))}
              data-testid="export-subject"
            />
          )}
          <SelectField
            label="Form"
            value={format}
            data={[
              { value: 'html', label: 'Page to read and print (HTML)' },
              { value: 'csv', label: 'Table for a spreadsheet (CSV)' },
            ]}
            onChange={(event) => setFormat(event.currentTarget.value as typeof format)}
            data-autofocus
            data-testid="export-format"
          />
          <SelectField
            label="Times in"
            value={zone}
            data={zones.map((each) => ({ value: each, label: each }))}
            onChange={(event) => setZone(event.currentTarget.value)}
            data-testid="export-zone"
          />
          <CheckField
            label="With notes and lines of the product"
            description="They are for colleagues alone. Leave them out of what a customer gets."
            checked={notes}
            onChange={(event) => setNotes(event.currentTarget.checked)}
            data-testid="export-notes"
          />
          <p>Files are named, not included. It is noted who took what out, and when.</p>
        </Stack>
        <DialogActions>
          <Button emphasis="secondary" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={busy} data-testid="export-confirm">
            Download
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
