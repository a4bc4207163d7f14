import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError } from '@/api/errors';
import { keys } from '@/api/query-keys';
import type { TemplateDetail, TemplateFinding, TemplateParts } from '@/api/template-types';
import type { Channel } from '@/api/types';
import { useUnsaved } from '@/lib/unsaved';
import { useDebounced } from '@/lib/use-debounced';
import {
  Button,
  Card,
  CheckField,
  Failure,
  Notice,
  notify,
  Row,
  SelectField,
  Stack,
  TextArea,
  TextField,
  useLeave,
} from '@/ui';
import { changeTemplate, createTemplate, discardDraft, lintTemplate, submitTemplate } from './api';
import { ButtonFields, CodeFields } from './ButtonFields';
import { CardFields, OfferFields } from './CardFields';
import { HeaderFields } from './HeaderFields';
import { TemplatePreview } from './TemplatePreview';
import css from './templates.module.css';
import {
  CATEGORIES,
  CATEGORY_HINTS,
  formOf,
  FORMS,
  inCategory,
  inForm,
  LANGUAGES,
  nextName,
  OFFER_BUTTONS,
  placeholders,
  type TemplateForm,
} from './words';

interface TemplateEditorProps {
  /** None for a new one. */
  template: TemplateDetail | null;
  /** What it begins with: empty, a draft, or another language of the name. */
  start: TemplateParts;
  channels: Channel[];
  /** The number a new one is for; without it, it is to be chosen. */
  channelId?: string;
  onDone: () => void;
}

/** Findings beside their fields, a preview as WhatsApp shows it, and the way to the review. */
export function TemplateEditor(props: TemplateEditorProps) {
  const { template, start, channels, onDone } = props;
  const [parts, setParts] = useState(start);
  const [stored, setStored] = useState(start);
  const [saved, setSaved] = useState(template);
  const [channelId, setChannelId] = useState(
    template?.channel_id ?? props.channelId ?? channels[0]?.id ?? '',
  );
  const [busy, setBusy] = useState<'save' | 'submit' | 'discard' | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const isTyped = JSON.stringify(parts) !== JSON.stringify(stored);
  useUnsaved('The template', isTyped ? 'unsaved' : 'saved');
  const [leave, leaveDialog] = useLeave(onDone);
  const isDraft = saved === null || saved.status === 'DRAFT';
  const calm = useDebounced(parts, 250);
  const check = useQuery({
    queryKey: keys.templateCheck(JSON.stringify(calm)),
    queryFn: ({ signal }) => lintTemplate(calm, signal),
    placeholderData: (before) => before,
  });
  const findings = check.data?.findings ?? [];
  const errors = findings.filter((each) => each.severity === 'error');
  const problem = (field: string) => words(findings, field);
  const change = (changed: Partial<TemplateParts>) => setParts((now) => ({ ...now, ...changed }));

  const save = async (): Promise<TemplateDetail> => {
    const kept =
      saved === null
        ? await createTemplate(channelId, parts)
        : await changeTemplate(saved.id, parts);
    setSaved(kept);
    setStored(parts);
    return kept;
  };
  const run = async (what: 'save' | 'submit' | 'discard', work: () => Promise<unknown>) => {
    setBusy(what);
    setFailure(null);
    try {
      await work();
      onDone();
    } catch (error) {
      setFailure(error instanceof ApiError ? error.message : 'This could not be done. Try again.');
    } finally {
      setBusy(null);
    }
  };
  const keep = () =>
    run('save', async () => {
      await save();
      notify.done('Draft saved');
    });
  const submit = () =>
    run('submit', async () => {
      const kept = await save();
      const sent = await submitTemplate(kept.id);
      notify.done(
        sent.asked_category === null
          ? 'Submitted to WhatsApp'
          : `Submitted; WhatsApp took it as ${sent.category.toLowerCase()}`,
      );
    });
  const names = placeholders(parts.body);
  const isCode = parts.category === 'authentication';
  const form = formOf(parts);
  const mostText = form === 'offer' ? 600 : 1024;

  return (
    <Card
      title={template === null ? 'New template' : `${template.name} (${template.language})`}
      description="WhatsApp reviews each template before it can be sent; mostly it takes minutes."
      aside={
        <Button emphasis="quiet" onClick={leave}>
          Back to the list
        </Button>
      }
      data-testid="template-editor"
    >
      {leaveDialog}
      <div className={css.editor}>
        <div className={css.form}>
          {failure !== null && (
            <Notice tone="bad" live="alert">
              {failure}
            </Notice>
          )}
          {check.isError && <Failure error={check.error} onRetry={() => void check.refetch()} />}
          {channels.length > 1 && (
            <SelectField
              label="Channel"
              data={channels.map((channel) => ({ value: channel.id, label: channel.name }))}
              value={channelId}
              disabled={saved !== null || props.channelId !== undefined}
              onChange={(event) => setChannelId(event.currentTarget.value)}
            />
          )}
          <div className={css.pair}>
            <TextField
              label="Name"
              description="Small letters, digits and underscores."
              value={parts.name}
              error={parts.name === '' ? undefined : problem('name')}
              disabled={!isDraft}
              onChange={(event) => change({ name: event.currentTarget.value })}
              data-testid="template-name"
            />
            <TextField
              label="Language"
              description="WhatsApp’s code, such as en_US."
              value={parts.language}
              error={problem('language')}
              disabled={!isDraft}
              list="template-languages"
              onChange={(event) => change({ language: event.currentTarget.value })}
              data-testid="template-language"
            />
            <datalist id="template-languages">
              {LANGUAGES.map(([code, name]) => (
                <option key={code} value={code}>
                  {name}
                </option>
              ))}
            </datalist>
          </div>
          <div className={css.pair}>
            <SelectField
              label="Category"
              description={CATEGORY_HINTS[parts.category]}
              data={CATEGORIES}
              value={parts.category}
              error={problem('category')}
              disabled={saved?.status === 'APPROVED'}
              onChange={(event) => {
                const category = event.currentTarget.value as TemplateParts['category'];
                setParts((now) => inCategory(now, category));
              }}
              data-testid="template-category"
            />
            {!isCode && (
              <SelectField
                label="Variables"
                description="Cannot be changed once it is submitted."
                data={[
                  { value: 'positional', label: 'Numbers: {{1}}, {{2}}' },
                  { value: 'named', label: 'Names: {{first_name}}' },
                ]}
                value={parts.parameter_format}
                disabled={!isDraft}
                onChange={(event) =>
                  change({
                    parameter_format: event.currentTarget
                      .value as TemplateParts['parameter_format'],
                  })
                }
              />
            )}
          </div>
          {isCode ? (
            <CodePart parts={parts} problem={problem} onChange={change} />
          ) : (
            <>
              <SelectField
                label="What is sent"
                description="Cards and offers are marketing; WhatsApp takes them in no other category."
                data={FORMS}
                value={form}
                disabled={saved?.status === 'APPROVED'}
                onChange={(event) => {
                  const chosen = event.currentTarget.value as TemplateForm;
                  setParts((now) => inForm(now, chosen));
                }}
                data-testid="template-form"
              />
              {parts.offer !== null && (
                <OfferFields
                  offer={parts.offer}
                  problem={problem}
                  onChange={(offer) => change({ offer })}
                />
              )}
              {(form !== 'cards' || parts.header !== null) && (
                <HeaderFields
                  parts={parts}
                  problem={problem}
                  onChange={(header) => change({ header })}
                />
              )}
              <Stack gap={8}>
                <TextArea
                  label="Text"
                  description="*bold*, _italic_ and ~struck~ are shown as such."
                  autosize
                  minRows={4}
                  value={parts.body}
                  error={parts.body === '' ? undefined : problem('body')}
                  onChange={(event) => change({ body: event.currentTarget.value })}
                  data-testid="template-body"
                />
                <Row>
                  <Button
                    size="xs"
                    emphasis="secondary"
                    onClick={() =>
                      change({
                        body: `${parts.body}{{${nextName(parts.parameter_format, names)}}}`,
                      })
                    }
                  >
                    Add a variable
                  </Button>
                  <span className={css.counter}>
                    {[...parts.body].length} of {mostText}
                  </span>
                </Row>
              </Stack>
              {names.length > 0 && (
                <fieldset className={css.group}>
                  <legend>Examples for the review</legend>
                  <div className={css.pair}>
                    {names.map((name, index) => (
                      <TextField
                        key={name}
                        label={`Example for {{${name}}}`}
                        value={parts.samples[index] ?? ''}
                        error={problem(`samples.${index}`)}
                        onChange={(event) =>
                          change({
                            samples: names.map((_, at) =>
                              at === index ? event.currentTarget.value : (parts.samples[at] ?? ''),
                            ),
                          })
                        }
                        data-testid="template-sample"
                      />
                    ))}
                  </div>
                </fieldset>
              )}
              {(form === 'message' || parts.footer !== null) && (
                <TextField
                  label="Footer"
                  description="At most 60 characters, no variables."
                  value={parts.footer ?? ''}
                  error={problem('footer')}
                  onChange={(event) => change({ footer: event.currentTarget.value || null })}
                />
              )}
              {(form !== 'cards' || parts.buttons.length > 0) && (
                <ButtonFields
                  buttons={parts.buttons}
                  problem={problem}
                  onChange={(buttons) => change({ buttons })}
                  {...(form === 'offer' && { kinds: OFFER_BUTTONS })}
                />
              )}
              {form === 'cards' && (
                <CardFields
                  parts={parts}
                  problem={problem}
                  onChange={(changed) => setParts((now) => ({ ...now, cards: changed(now.cards) }))}
                />
              )}
            </>
          )}
        </div>
        <div className={css.side}>
          <TemplatePreview parts={parts} />
          <div role="status" data-testid="template-findings" data-errors={errors.length}>
            {findings.length === 0 ? (
              check.isSuccess && <Notice tone="good">Nothing WhatsApp is known to refuse.</Notice>
            ) : (
              <Notice
                tone={errors.length > 0 ? 'warn' : 'info'}
                title={errors.length > 0 ? 'Before it can be submitted' : 'Worth another look'}
              >
                <ul className={css.findings}>
                  {findings.map((finding, index) => (
                    <li key={index}>{finding.message}</li>
                  ))}
                </ul>
              </Notice>
            )}
          </div>
          <Stack gap={8}>
            <Button
              loading={busy === 'submit'}
              disabled={busy !== null || errors.length > 0 || check.data === undefined}
              onClick={() => void submit()}
              data-testid="template-submit"
            >
              Submit to WhatsApp
            </Button>
            <Button
              emphasis="secondary"
              loading={busy === 'save'}
              disabled={busy !== null || parts.name === ''}
              onClick={() => void keep()}
              data-testid="template-save"
            >
              Save draft
            </Button>
            {saved !== null && saved.has_draft && saved.status !== 'DRAFT' && (
              <Button
                emphasis="quiet"
                loading={busy === 'discard'}
                onClick={() => void run('discard', () => discardDraft(saved.id))}
              >
                Throw the changes away
              </Button>
            )}
            {saved?.status === 'APPROVED' && (
              <p className={css.counter}>
                WhatsApp allows one change in 24 hours and ten in 30 days, and reviews it again.
              </p>
            )}
          </Stack>
        </div>
      </div>
    </Card>
  );
}

interface CodePartProps {
  parts: TemplateParts;
  problem: (field: string) => string | undefined;
  onChange: (changed: Partial<TemplateParts>) => void;
}

/** One-time codes: WhatsApp writes the text. */
function CodePart({ parts, problem, onChange }: CodePartProps) {
  const code = parts.code ?? { security_advice: false, expires_in_minutes: null };
  return (
    <>
      <Notice tone="info">
        WhatsApp writes the text of one-time codes itself, in every language.
      </Notice>
      <CheckField
        label="Add “For your security, do not share this code.”"
        checked={code.security_advice}
        onChange={(event) =>
          onChange({ code: { ...code, security_advice: event.currentTarget.checked } })
        }
      />
      <TextField
        label="Expires after minutes"
        description="1 to 90; empty for no such line."
        inputMode="numeric"
        value={code.expires_in_minutes === null ? '' : String(code.expires_in_minutes)}
        error={problem('code.expires_in_minutes')}
        onChange={(event) => {
          const digits = event.currentTarget.value.replace(/\D/g, '').slice(0, 4);
          onChange({
            code: { ...code, expires_in_minutes: digits === '' ? null : Number(digits) },
          });
        }}
      />
      <CodeFields
        buttons={parts.buttons}
        problem={problem}
        onChange={(buttons) => onChange({ buttons })}
      />
    </>
  );
}

/** What stands beside a field, errors first. */
function words(findings: TemplateFinding[], field: string): string | undefined {
  const here = findings.filter((each) => each.field === field);
  return (here.find((each) => each.severity === 'error') ?? here[0])?.message;
}
