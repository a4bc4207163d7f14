import { IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { Template } from '@/api/types';
import { send, useLive } from '@/live';
import { Button, Failure, IconButton, Notice, SkeletonRows, TextField } from '@/ui';
import { fetchTemplates } from './api';
import css from './composer.module.css';

/** Puts the parameters into `{{1}}`, `{{2}}`; what is still empty stays visible as a gap. */
export function fillTemplate(body: string, parameters: string[]): string {
  return body.replace(/\{\{\s*(\d+)\s*\}\}/g, (gap, number: string) => {
    const value = parameters[Number(number) - 1] ?? '';
    return value === '' ? gap : value;
  });
}

/** A sensible first value: templates nearly always greet by name first. */
function firstParameters(template: Template, customer: string | undefined): string[] {
  const name =
    customer === undefined || /^\+?\d/.test(customer) ? '' : (customer.split(' ')[0] ?? '');
  return Array.from({ length: template.parameter_count }, (_, index) => (index === 0 ? name : ''));
}

interface TemplatePickerProps {
  sessionId: string;
  /** `instead`: the window is closed and this takes the composer's place; `extra`: opened by choice. */
  role: 'instead' | 'extra';
  onClose?: () => void;
}

export function TemplatePicker({ sessionId, role, onClose }: TemplatePickerProps) {
  const channelId = useLive((state) => state.sessions[sessionId]?.channel_id) ?? '';
  const customer = useLive((state) => state.sessions[sessionId]?.customer.name);
  const [chosen, setChosen] = useState<Template | null>(null);
  const [parameters, setParameters] = useState<string[]>([]);
  const templates = useQuery({
    queryKey: keys.templates(channelId),
    queryFn: ({ signal }) => fetchTemplates(channelId, signal),
    enabled: channelId !== '',
  });
  const approved = (templates.data?.data ?? []).filter(
    (each) => each.status.toLowerCase() === 'approved',
  );

  const choose = (template: Template) => {
    setChosen(template);
    setParameters(firstParameters(template, customer));
  };
  const complete = chosen !== null && parameters.every((value) => value.trim() !== '');
  const submit = () => {
    if (chosen === null || !complete) return;
    send({
      sessionId,
      content: {
        kind: 'template',
        template_id: chosen.id,
        parameters: parameters.map((value) => value.trim()),
      },
      text: fillTemplate(chosen.body, parameters),
    });
    setChosen(null);
    onClose?.();
  };

  return (
    <section
      className={css.instead}
      data-tone={role === 'instead' ? 'closed' : 'open'}
      aria-label="Send a template"
      data-testid="template-picker"
    >
      <div className={css.insteadHead}>
        <div>
          <p className={css.insteadTitle}>
            {role === 'instead' ? 'The 24-hour window is closed' : 'Send a template'}
          </p>
          <p className={css.insteadText}>
            {role === 'instead'
              ? 'WhatsApp allows free text only within 24 hours of the customer’s last message. Send an approved template; as soon as the customer answers, you can write freely again.'
              : 'Approved texts that may be sent at any time.'}
          </p>
        </div>
        {onClose !== undefined && (
          <IconButton label="Close templates" onClick={onClose}>
            <IconX size={17} />
          </IconButton>
        )}
      </div>
      {templates.isPending && <SkeletonRows rows={2} height={54} />}
      {templates.isError && (
        <Failure error={templates.error} onRetry={() => void templates.refetch()} />
      )}
      {templates.isSuccess && approved.length === 0 && (
        <Notice tone="warn" title="No approved template on this channel">
          An admin can create templates at the provider and then choose “Sync templates” in Setup.
        </Notice>
      )}
      <div className={css.templates}>
        {approved.map((template) => (
          <button
            key={template.id}
            type="button"
            className={css.option}
            aria-pressed={template.id === chosen?.id}
            onClick={() => choose(template)}
            data-testid="template-option"
          >
            <span className={css.optionName}>
              {template.name.replaceAll('_', ' ')}
              <span>{template.language}</span>
            </span>
            <span className={css.optionBody}>{template.body}</span>
          </button>
        ))}
      </div>
      {chosen !== null && (
        <div className={css.fill}>
          {parameters.length > 0 && (
            <div className={css.fields}>
              {parameters.map((value, index) => (
                <TextField
                  key={index}
                  label={`Value for {{${index + 1}}}`}
                  value={value}
                  data-testid="template-parameter"
                  onChange={(event) =>
                    setParameters(parameters.with(index, event.currentTarget.value))
                  }
                />
              ))}
            </div>
          )}
          <div className={css.preview}>
            {chosen.header !== null && <strong>{chosen.header}</strong>}
            {fillTemplate(chosen.body, parameters)}
            {chosen.footer !== null && <small>{chosen.footer}</small>}
          </div>
          <div className={css.foot}>
            <Button onClick={submit} disabled={!complete} data-testid="template-send">
              Send template
            </Button>
          </div>
        </div>
      )}
    </section>
  );
}
