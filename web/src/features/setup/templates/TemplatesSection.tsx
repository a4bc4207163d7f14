import { IconPlus } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { TemplateDetail, TemplateParts } from '@/api/template-types';
import type { Channel, Template } from '@/api/types';
import {
  Button,
  Card,
  ConfirmDialog,
  DataTable,
  EmptyState,
  Failure,
  Notice,
  notify,
  Row,
  SelectField,
  SkeletonRows,
  Stack,
  Tag,
  TextField,
} from '@/ui';
import { deleteTemplate, fetchAllTemplates, fetchTemplate } from './api';
import { DefaultsDialog } from './DefaultsDialog';
import { FormsCard } from './FormsCard';
import { TemplateEditor } from './TemplateEditor';
import css from './templates.module.css';
import { categoryWord, EMPTY, languageName, QUALITIES, reasonOf, statusOf } from './words';

interface Editing {
  template: TemplateDetail | null;
  start: TemplateParts;
  /** The number it is for, where that is not to be chosen. */
  channelId?: string;
}

const ANY = 'any';

/** The templates of all WhatsApp channels: what WhatsApp has, and what is being written. */
export function TemplatesSection({
  channels,
  mayManage,
}: {
  channels: Channel[];
  mayManage: boolean;
}) {
  const cache = useQueryClient();
  const whatsapp = channels.filter((channel) => channel.kind === 'whatsapp');
  const [editing, setEditing] = useState<Editing | null>(null);
  const [removing, setRemoving] = useState<{ template: Template; all: 'one' | 'all' } | null>(null);
  const [filling, setFilling] = useState<Template | null>(null);
  const [filter, setFilter] = useState({ text: '', status: ANY, category: ANY, language: ANY });
  const query = useQuery({
    queryKey: keys.allTemplates,
    queryFn: ({ signal }) => fetchAllTemplates(signal),
  });
  const refresh = () => cache.invalidateQueries({ queryKey: keys.allTemplates });
  const all = query.data?.data ?? [];
  const rows = all.filter(
    (each) =>
      (filter.status === ANY || each.status === filter.status) &&
      (filter.category === ANY || each.category === filter.category) &&
      (filter.language === ANY || each.language === filter.language) &&
      `${each.name} ${each.body}`.toLowerCase().includes(filter.text.trim().toLowerCase()),
  );
  const open = async (template: Template, language?: string) => {
    try {
      const detail = await fetchTemplate(template.id);
      if (detail.parts === null) {
        notify.problem(
          'It cannot be changed here',
          'This template has parts that can only be changed in WhatsApp Manager.',
        );
      } else if (language === undefined) {
        setEditing({ template: detail, start: detail.parts });
      } else {
        // Another language keeps the form; the words are to be translated.
        setEditing({
          template: null,
          start: { ...detail.parts, language },
          channelId: detail.channel_id,
        });
      }
    } catch (error) {
      notify.failure(error);
    }
  };

  if (editing !== null) {
    return (
      <TemplateEditor
        key={editing.template?.id ?? 'new'}
        template={editing.template}
        start={editing.start}
        channels={whatsapp}
        {...(editing.channelId === undefined ? {} : { channelId: editing.channelId })}
        onDone={() => {
          setEditing(null);
          void refresh();
        }}
      />
    );
  }
  return (
    <Stack>
      <Card
        padding="none"
        title="Templates"
        description="Texts that WhatsApp has approved. They are the only messages that go out more than 24 hours after the customer wrote."
        aside={
          mayManage &&
          whatsapp.length > 0 && (
            <Button
              leftSection={<IconPlus size={16} />}
              onClick={() => setEditing({ template: null, start: EMPTY })}
              data-testid="template-new"
            >
              New template
            </Button>
          )
        }
      >
        {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <SkeletonRows rows={5} />}
        {query.isSuccess && all.length === 0 && (
          <EmptyState
            title="No template yet"
            action={
              whatsapp.length === 0 && (
                <Link to="/setup/$section" params={{ section: 'channels' }}>
                  Go to Channels
                </Link>
              )
            }
          >
            {whatsapp.length === 0
              ? 'Connect a WhatsApp number under Channels first.'
              : 'Write the first one here, or take over those of WhatsApp Manager under Channels with “Sync templates”.'}
          </EmptyState>
        )}
        {all.length > 0 && (
          <>
            <Filters all={all} filter={filter} onChange={setFilter} />
            {rows.length === 0 ? (
              <EmptyState title="No template fits">Take one of the filters away.</EmptyState>
            ) : (
              <DataTable
                label="Templates"
                rows={rows}
                rowKey={(template) => template.id}
                rowTestId="template-row"
                columns={[
                  { key: 'name', title: 'Template', render: (each) => <Name template={each} /> },
                  {
                    key: 'status',
                    title: 'Status',
                    render: (each) => (
                      <Tag tone={statusOf(each).tone} dot="dot">
                        {statusOf(each).label}
                      </Tag>
                    ),
                  },
                  {
                    key: 'category',
                    title: 'Category',
                    render: (each) => <Category template={each} />,
                  },
                  {
                    key: 'language',
                    title: 'Language',
                    render: (each) => languageName(each.language),
                  },
                  {
                    key: 'quality',
                    title: 'Quality',
                    priority: 'wide',
                    render: (each) => {
                      const quality = QUALITIES[each.quality ?? ''];
                      return quality === undefined ? (
                        'Not known yet'
                      ) : (
                        <Tag tone={quality.tone}>{quality.label}</Tag>
                      );
                    },
                  },
                  ...(mayManage
                    ? [
                        {
                          key: 'actions',
                          title: 'What to do',
                          render: (each: Template) => (
                            <Row>
                              {[
                                { label: 'Open', run: () => void open(each) },
                                {
                                  label: 'Add a language',
                                  run: () => void open(each, nextLanguage(all, each)),
                                },
                                { label: 'What fills it', run: () => setFilling(each) },
                                {
                                  label: 'Delete',
                                  run: () => setRemoving({ template: each, all: 'one' }),
                                },
                                ...(ofName(all, each).length > 1
                                  ? [
                                      {
                                        label: 'Delete all languages',
                                        run: () => setRemoving({ template: each, all: 'all' }),
                                      },
                                    ]
                                  : []),
                              ].map((action) => (
                                <button
                                  key={action.label}
                                  type="button"
                                  className={css.textButton}
                                  aria-label={`${action.label}: ${each.name}, ${languageName(each.language)}`}
                                  onClick={action.run}
                                  data-testid={`template-${action.label.toLowerCase().replaceAll(' ', '-')}`}
                                >
                                  {action.label}
                                </button>
                              ))}
                            </Row>
                          ),
                        },
                      ]
                    : []),
                ]}
              />
            )}
          </>
        )}
      </Card>
      <FormsCard channels={whatsapp} mayManage={mayManage} />
      {removing !== null && (
        <ConfirmDialog
          title={
            removing.all === 'all'
              ? `Delete ${removing.template.name} in all languages?`
              : `Delete ${removing.template.name} (${removing.template.language})?`
          }
          confirmLabel="Delete"
          emphasis="danger"
          testId="template-delete-confirm"
          onClose={() => setRemoving(null)}
          onConfirm={async () => {
            await deleteTemplate(
              removing.template.id,
              removing.all === 'all' ? 'name' : 'language',
            );
            await refresh();
            notify.done('Template deleted');
          }}
        >
          {removing.template.status === 'DRAFT'
            ? 'WhatsApp does not have it; only the draft goes.'
            : 'It can no longer be sent, and WhatsApp keeps the name of an approved template blocked for 30 days. What was sent with it stays in the conversations.'}
        </ConfirmDialog>
      )}
      {filling !== null && (
        <DefaultsDialog
          template={filling}
          onClose={() => {
            setFilling(null);
            void refresh();
          }}
        />
      )}
    </Stack>
  );
}

/** The languages of a template: the same name on another number is another template. */
const ofName = (all: Template[], { name, channel_id }: Template) =>
  all.filter((each) => each.name === name && each.channel_id === channel_id);

/** A language of the list that the name does not have yet. */
function nextLanguage(all: Template[], template: Template): string {
  const there = ofName(all, template).map((each) => each.language);
  return ['en', 'es', 'de', 'fr', 'pt_BR', 'it'].find((code) => !there.includes(code)) ?? '';
}

function Name({ template }: { template: Template }) {
  return (
    <div className={css.cell}>
      <strong>{template.name}</strong>
      <span>{template.body === '' ? 'A one-time code' : template.body}</span>
      {template.has_draft && template.status !== 'DRAFT' && (
        <span>There are changes that were not submitted.</span>
      )}
      {template.reason !== null && <span>{reasonOf(template.reason)}</span>}
      {template.failure !== null && <Notice tone="warn">{template.failure}</Notice>}
    </div>
  );
}

function Category({ template }: { template: Template }) {
  return (
    <div className={css.cell}>
      {categoryWord(template.category)}
      {template.asked_category !== null && (
        <span data-testid="template-recategorised">
          Submitted as {categoryWord(template.asked_category)}; WhatsApp decided otherwise.
        </span>
      )}
    </div>
  );
}

interface Filter {
  text: string;
  status: string;
  category: string;
  language: string;
}

function Filters(props: { all: Template[]; filter: Filter; onChange: (filter: Filter) => void }) {
  const { all, filter, onChange } = props;
  const choices = (field: 'status' | 'category' | 'language', label: string) => [
    { value: ANY, label },
    ...[...new Set(all.map((each) => each[field]))].sort().map((value) => ({
      value,
      label: field === 'language' ? languageName(value) : categoryWord(value.replaceAll('_', ' ')),
    })),
  ];
  return (
    <div className={css.filters}>
      <TextField
        label="Search"
        value={filter.text}
        onChange={(event) => onChange({ ...filter, text: event.currentTarget.value })}
        data-testid="template-search"
      />
      <SelectField
        label="Status"
        data={choices('status', 'Every status')}
        value={filter.status}
        onChange={(event) => onChange({ ...filter, status: event.currentTarget.value })}
      />
      <SelectField
        label="Category"
        data={choices('category', 'Every category')}
        value={filter.category}
        onChange={(event) => onChange({ ...filter, category: event.currentTarget.value })}
      />
      <SelectField
        label="Language"
        data={choices('language', 'Every language')}
        value={filter.language}
        onChange={(event) => onChange({ ...filter, language: event.currentTarget.value })}
      />
    </div>
  );
}
