import { IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { keys } from '@/api/query-keys';
import type { FilledTemplate, TemplateChoice } from '@/api/template-types';
import { languageOf } from '@/lib/languages';
import { send } from '@/live';
import {
  beginning,
  bodyValues,
  fillTemplate,
  isComplete,
  NO_FILLING,
  SlotFields,
  TemplatePreview,
  toContent,
  type Filling,
} from '@/shared/templates';
import { Button, Failure, IconButton, Notice, SelectField, SkeletonRows } from '@/ui';
import { fetchSessionTemplates } from './api';
import css from './composer.module.css';

interface TemplatePickerProps {
  sessionId: string;
  /** `instead`: the window is closed and this takes the composer's place; `extra`: opened by choice. */
  role: 'instead' | 'extra';
  onClose?: () => void;
  /** Told when a template begins or ceases to be filled in. */
  onFilling?: (is: boolean) => void;
}

export function TemplatePicker({ sessionId, role, onClose, onFilling }: TemplatePickerProps) {
  const [chosen, setChosen] = useState<{ choice: TemplateChoice; template: FilledTemplate } | null>(
    null,
  );
  const [filling, setFilling] = useState<Filling>(NO_FILLING);
  const templates = useQuery({
    queryKey: keys.sessionTemplates(sessionId),
    queryFn: ({ signal }) => fetchSessionTemplates(sessionId, signal),
  });
  const choices = templates.data?.data ?? [];

  const choose = (choice: TemplateChoice, language: string) => {
    const template =
      choice.languages.find((each) => each.language === language) ?? choice.languages[0];
    if (template === undefined) return;
    setChosen({ choice, template });
    setFilling(beginning(template));
  };
  const isFilling = chosen !== null;
  useEffect(() => onFilling?.(isFilling), [isFilling, onFilling]);
  const complete = chosen !== null && isComplete(chosen.template, filling);
  const submit = () => {
    if (chosen === null || !complete) return;
    send({
      sessionId,
      content: toContent(chosen.template, filling),
      text: fillTemplate(chosen.template.body, bodyValues(chosen.template, filling)),
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
      {templates.isSuccess && choices.length === 0 && (
        <Notice tone="warn" title="No approved template on this channel">
          An admin can write templates in Setup under “Templates”.
        </Notice>
      )}
      <div className={css.templates}>
        {choices.map((choice) => {
          const shown = choice.languages.find((each) => each.language === choice.language);
          return (
            <button
              key={choice.name}
              type="button"
              className={css.option}
              aria-pressed={choice.name === chosen?.choice.name}
              onClick={() => choose(choice, choice.language)}
              data-testid="template-option"
            >
              <span className={css.optionName}>
                {choice.name.replaceAll('_', ' ')}
                <span>
                  {languageOf(choice.language)}
                  {choice.languages.length > 1 && ` +${choice.languages.length - 1}`}
                </span>
              </span>
              <span className={css.optionBody}>{shown?.body}</span>
            </button>
          );
        })}
      </div>
      {chosen !== null && (
        <div className={css.fill}>
          {chosen.choice.languages.length > 1 && (
            <SelectField
              label="Language"
              data={chosen.choice.languages.map(({ language }) => ({
                value: language,
                label: languageOf(language),
              }))}
              value={chosen.template.language}
              onChange={(event) => choose(chosen.choice, event.currentTarget.value)}
              data-testid="template-choose-language"
            />
          )}
          <SlotFields
            key={chosen.template.id}
            template={chosen.template}
            filling={filling}
            onChange={setFilling}
          />
          <TemplatePreview template={chosen.template} filling={filling} />
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
