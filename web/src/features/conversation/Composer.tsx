import { IconPhoto, IconPlus, IconSend2, IconTemplate, IconX } from '@tabler/icons-react';
import {
  lazy,
  Suspense,
  useEffect,
  useRef,
  useState,
  type ChangeEvent,
  type KeyboardEvent,
} from 'react';
import { draftKey, readDraft, useDrafts, writeDraft, type DraftMode } from '@/lib/drafts';
import { useRegisterCommands } from '@/lib/hotkeys';
import { send } from '@/live';
import { ActionMenu, IconButton, notify } from '@/ui';
import { uploadMedia } from './api';
import css from './composer.module.css';
import { EXTRA_LABELS, type ExtraKind } from './extra-kinds';
import { MentionOptions } from './MentionOptions';
import { QuickReplies, useQuickReplies } from './QuickReplies';
import { optionId, useMentions } from './use-mentions';

const ExtraDialog = lazy(() => import('./ExtraDialog'));

const MAX_TEXT = 4096;
const MAX_IMAGE_BYTES = 5 * 1024 * 1024;
const IMAGE_TYPES = ['image/jpeg', 'image/png'];

interface ComposerProps {
  sessionId: string;
  /** Notes stay in the team and are allowed when a reply is not. */
  modes: DraftMode[];
  onTemplates?: () => void;
}

/**
 * Where a reply is written. The text lives in the draft store under its conversation; the message
 * list does not render while somebody types.
 */
export function Composer({ sessionId, modes, onTemplates }: ComposerProps) {
  const [wanted, setMode] = useState<DraftMode>('reply');
  const mode = modes.includes(wanted) ? wanted : (modes[0] ?? 'note');
  const text = useDrafts((state) => state.drafts[draftKey(sessionId, mode)] ?? '');
  const [image, setImage] = useState<{ file: File; url: string } | null>(null);
  const [extra, setExtra] = useState<ExtraKind | null>(null);
  const [uploading, setUploading] = useState<'yes' | 'no'>('no');
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const replies = useQuickReplies(mode === 'reply' ? text : '');
  const [caret, setCaret] = useState(0);
  const mentions = useMentions(
    sessionId,
    { active: mode === 'note', text, caret },
    (next, place) => {
      writeDraft(sessionId, mode, next);
      setCaret(place);
      requestAnimationFrame(() => {
        field.current?.focus();
        field.current?.setSelectionRange(place, place);
      });
    },
  );

  useEffect(() => {
    const box = field.current;
    if (box === null) return;
    box.style.height = 'auto';
    box.style.height = `${Math.min(box.scrollHeight, 200)}px`;
  }, [text]);
  useEffect(() => () => (image === null ? undefined : URL.revokeObjectURL(image.url)), [image]);

  const focus = (next: DraftMode) => {
    setMode(next);
    requestAnimationFrame(() => field.current?.focus());
  };
  useRegisterCommands([
    ...(modes.includes('reply')
      ? [
          {
            id: 'composer.reply',
            label: 'Reply',
            group: 'Conversation',
            keys: 'r',
            run: () => focus('reply'),
          },
          {
            id: 'composer.focus',
            label: 'Write in this conversation',
            group: 'Conversation',
            keys: 'Enter',
            run: () => focus('reply'),
          },
        ]
      : []),
    ...(modes.includes('reply')
      ? EXTRA_LABELS.map((each) => ({
          id: `composer.${each.kind}`,
          label: `Send: ${each.label}`,
          group: 'Conversation',
          run: () => {
            setMode('reply');
            setExtra(each.kind);
          },
        }))
      : []),
    {
      id: 'composer.note',
      label: 'Write a note for the team',
      group: 'Conversation',
      keys: 'n',
      run: () => focus('note'),
    },
  ]);

  const chooseImage = (file: File | undefined) => {
    if (file === undefined) return;
    if (!IMAGE_TYPES.includes(file.type)) {
      notify.problem(
        'This file cannot be sent',
        'WhatsApp takes JPEG and PNG pictures. Convert it first.',
      );
    } else if (file.size > MAX_IMAGE_BYTES) {
      notify.problem(
        'The picture is too large',
        'WhatsApp takes pictures up to 5 MB. Make it smaller first.',
      );
    } else {
      setImage({ file, url: URL.createObjectURL(file) });
    }
  };

  const submit = async () => {
    const body = readDraft(sessionId, mode).trim();
    if (image !== null && mode === 'reply') {
      setUploading('yes');
      try {
        const media = await uploadMedia(image.file);
        send({
          sessionId,
          content: { kind: 'image', media_id: media.id, ...(body === '' ? {} : { caption: body }) },
          text: body,
          media: {
            id: media.id,
            mime: media.mime,
            file_name: media.file_name,
            url: `/api/v1/media/${media.id}`,
          },
        });
        setImage(null);
        writeDraft(sessionId, mode, '');
      } catch (error) {
        notify.failure(error);
      } finally {
        setUploading('no');
      }
      return;
    }
    if (body === '' || body.length > MAX_TEXT) return;
    send({
      sessionId,
      content:
        mode === 'note'
          ? { kind: 'note', text: mentions.withIds(body) }
          : { kind: 'text', text: body },
      text: body,
    });
    writeDraft(sessionId, mode, '');
    field.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    if (replies.open === 'yes' && replies.onKey(event, insertReply)) return;
    if (mentions.open === 'yes' && mentions.onKey(event)) return;
    if (event.key === 'Enter' && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      void submit();
    } else if (event.key === 'Escape') {
      event.currentTarget.blur();
    }
  };
  const insertReply = (reply: string) => {
    writeDraft(sessionId, mode, reply);
    field.current?.focus();
  };

  const over = text.trim().length - MAX_TEXT;
  const empty = text.trim() === '' && image === null;
  return (
    <div className={css.composer} data-mode={mode}>
      {replies.open === 'yes' && <QuickReplies state={replies} onChoose={insertReply} />}
      {mentions.open === 'yes' && <MentionOptions state={mentions} />}
      {modes.length > 1 && (
        <div className={css.modes} role="group" aria-label="What you write">
          {modes.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === mode}
              onClick={() => focus(each)}
            >
              {each === 'reply' ? 'Reply' : 'Note'}
            </button>
          ))}
        </div>
      )}
      {image !== null && mode === 'reply' && (
        <div className={css.attachment}>
          <img src={image.url} alt="" />
          <span>{image.file.name}</span>
          <IconButton label="Remove picture" onClick={() => setImage(null)} size={26}>
            <IconX size={15} />
          </IconButton>
        </div>
      )}
      <textarea
        ref={field}
        className={css.field}
        rows={1}
        value={text}
        aria-label={mode === 'reply' ? 'Your reply' : 'Note for your team'}
        placeholder={
          mode === 'reply'
            ? image === null
              ? 'Write a reply,  /  for quick replies'
              : 'Add a caption'
            : 'Write a note that only your team sees,  @  calls a colleague'
        }
        data-testid="composer-input"
        aria-autocomplete={mode === 'note' ? 'list' : undefined}
        aria-controls={mentions.open === 'yes' ? mentions.listId : undefined}
        aria-activedescendant={
          mentions.open === 'yes' ? optionId(mentions.listId, mentions.active) : undefined
        }
        onChange={(event) => {
          writeDraft(sessionId, mode, event.target.value);
          setCaret(event.target.selectionStart);
        }}
        onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
        onKeyDown={onKeyDown}
        onPaste={(event) => chooseImage(event.clipboardData.files[0])}
      />
      <div className={css.tools}>
        {mode === 'reply' && (
          <>
            <ActionMenu
              label="Send something else"
              trigger={<IconPlus size={18} aria-hidden="true" />}
              triggerClass={css.plus ?? ''}
              triggerTestId="composer-more"
              entries={EXTRA_LABELS.map((each) => ({
                id: each.kind,
                label: each.label,
                onSelect: () => setExtra(each.kind),
                testId: `more-${each.kind}`,
              }))}
            />
            <IconButton label="Attach a picture" onClick={() => picker.current?.click()}>
              <IconPhoto size={18} />
            </IconButton>
            <input
              ref={picker}
              type="file"
              accept={IMAGE_TYPES.join(',')}
              hidden
              aria-label="Picture to attach"
              data-testid="composer-file"
              onChange={(event: ChangeEvent<HTMLInputElement>) => {
                chooseImage(event.target.files?.[0]);
                event.target.value = '';
              }}
            />
            {onTemplates !== undefined && (
              <IconButton
                label="Send a template"
                keys="t"
                onClick={onTemplates}
                data-testid="composer-template"
              >
                <IconTemplate size={18} />
              </IconButton>
            )}
          </>
        )}
        <span
          className={css.hint}
          role={over > 0 ? 'alert' : undefined}
          data-over={over > 0 ? 'yes' : 'no'}
        >
          {over > 0 ? `${over} characters too many` : '↵ sends · Shift ↵ new line'}
        </span>
        <button
          type="button"
          className={css.send}
          disabled={empty || over > 0 || uploading === 'yes'}
          onClick={() => void submit()}
          data-testid="composer-send"
        >
          {uploading === 'yes' ? 'Uploading' : mode === 'note' ? 'Add note' : 'Send'}
          <IconSend2 size={16} aria-hidden="true" />
        </button>
      </div>
      {extra !== null && (
        <Suspense fallback={null}>
          <ExtraDialog
            sessionId={sessionId}
            kind={extra}
            text={text.trim()}
            onClose={() => setExtra(null)}
            onSent={() => {
              setExtra(null);
              writeDraft(sessionId, mode, '');
              focus('reply');
            }}
          />
        </Suspense>
      )}
    </div>
  );
}
