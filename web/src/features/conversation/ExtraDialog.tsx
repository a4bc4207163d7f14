import { useState, type FormEvent } from 'react';
import { send } from '@/live';
import { Button, Dialog, DialogActions, Notice, Stack, TextArea, TextField } from '@/ui';
import { EXTRA_LABELS, type ExtraKind } from './extra-kinds';
import { choiceFault, EXTRAS, shownText } from './extras';

interface ExtraProps {
  sessionId: string;
  kind: ExtraKind;
  /** What was typed in the composer; it becomes the text. */
  text: string;
  onClose: () => void;
  onSent: () => void;
}

/** The fields of one special message. It leaves like every reply: shown at once, sent once. */
export default function ExtraDialog({ sessionId, kind, text, onClose, onSent }: ExtraProps) {
  const [problem, setProblem] = useState<string | null>(null);
  const extra = EXTRAS.find((each) => each.kind === kind);
  if (extra === undefined) return null;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const value = (name: string) => String(form.get(name) ?? '').trim();
    const fault =
      kind === 'buttons' || kind === 'list' ? choiceFault(kind, value('choices')) : null;
    const content = fault === null ? extra.build(value) : null;
    if (content === null) {
      setProblem(fault ?? 'Something is missing.');
      return;
    }
    send({ sessionId, content, text: shownText(content) });
    onSent();
  };
  return (
    <Dialog
      title={EXTRA_LABELS.find((each) => each.kind === kind)?.label ?? ''}
      onClose={onClose}
      testId="extra-dialog"
    >
      <form onSubmit={submit}>
        <Stack gap={12}>
          {extra.fields.map((field, index) => {
            const shared = {
              name: field.name,
              label: field.label,
              maxLength: field.max,
              required: field.required === true,
              withAsterisk: false,
              defaultValue: field.name === 'text' && text !== '' ? text : (field.value ?? ''),
              'data-testid': `extra-${field.name}`,
              ...(field.hint === undefined ? {} : { description: field.hint }),
              ...(index === 0 ? { 'data-autofocus': true } : {}),
            };
            return field.kind === 'long' ? (
              <TextArea key={field.name} autosize={false} rows={3} {...shared} />
            ) : (
              <TextField key={field.name} type={field.kind ?? 'text'} {...shared} />
            );
          })}
          {problem !== null && (
            <Notice tone="bad" live="alert">
              {problem}
            </Notice>
          )}
        </Stack>
        <DialogActions>
          <Button emphasis="secondary" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" data-testid="extra-send">
            Send
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
