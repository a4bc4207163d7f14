import { IconPaperclip, IconPlus, IconSend2, IconTemplate } from '@tabler/icons-react';
import {
  lazy,
  Suspense,
  useEffect,
  useRef,
  useState,
  type ChangeEvent,
  type KeyboardEvent,
} from 'react';
import { ACCEPT } from '@/lib/files';
import { draftKey, readDraft, useDrafts, writeDraft, type DraftMode } from '@/lib/drafts';
import { useRegisterCommands } from '@/lib/hotkeys';
import { send } from '@/live';
import { ActionMenu, CheckField, IconButton } from '@/ui';
import {
  attach,
  attachmentsOf,
  sendAttachments,
  takesCaption,
  useAttachments,
} from './attachments';
import { AttachmentTray } from './AttachmentTray';
import css from './composer.module.css';
import { carriesText, EXTRA_LABELS, type ExtraKind } from './extra-kinds';
import { MentionOptions } from './MentionOptions';
import { QuickReplies, useQuickReplies } from './QuickReplies';
import { useDrop } from './use-drop';
import { optionId, useMentions } from './use-mentions';
import { useTyping } from './use-typing';

const ExtraDialog = lazy(() => import('./ExtraDialog'));
const SendFormDialog = lazy(() => import('./SendFormDialog'));

const MAX_TEXT = 4096;
const MAX_CAPTION = 1024;

interface ComposerProps {
  sessionId: string;
  /** Notes stay in the team and are allowed when a reply is not. */
  modes: DraftMode[];
  onTemplates?: () => void;
  /** The cursor was in what stood here before. */
  startsFocused?: boolean;
  /** What was being written there. */
  startsIn?: DraftMode;
}

/**
 * Where a reply is written. The text lives in the draft store under its conversation; the message
 * list does not render while somebody types.
 */
export function Composer({
  sessionId,
  modes,
  onTemplates,
  startsFocused = false,
  startsIn = 'reply',
}: ComposerProps) {
  const [wanted, setMode] = useState<DraftMode>(startsIn);
  const mode = modes.includes(wanted) ? wanted : (modes[0] ?? 'note');
  const text = useDrafts((state) => state.drafts[draftKey(sessionId, mode)] ?? '');
  const files = useAttachments((state) => attachmentsOf(state, sessionId));
  const [voice, setVoice] = useState<'yes' | 'no'>('no');
  const [extra, setExtra] = useState<ExtraKind | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const replies = useQuickReplies(mode === 'reply' ? text : '');
  const [caret, setCaret] = useState(0);
  const tellTyping = useTyping(sessionId);
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

  useEffect(() => {
    if (startsFocused) field.current?.focus();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once, when it appears
  }, []);

  const focus = (next: DraftMode) => {
    setMode(next);
    requestAnimationFrame(() => field.current?.focus());
  };
  useRegisterCommands([
    ...(modes.includes('reply')
      ? [
          {
            id: 'composer.attach',
            label: 'Attach files',
            group: 'Conversation',
            keys: 'u',
            run: () => {
              setMode('reply');
              requestAnimationFrame(() => picker.current?.click());
            },
          },
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

  const add = (chosen: File[]) => {
    if (chosen.length === 0) return;
    attach(sessionId, chosen);
    focus('reply');
  };
  const mayAttach = modes.includes('reply');
  const { anchor, over: held } = useDrop(mayAttach ? add : null);
  const own = mode === 'reply' ? files : [];
  const ready = own.filter((each) => each.state.is === 'ready');
  const isUploading = own.some((each) => each.state.is === 'uploading');
  const hasVoice = ready.some((each) => each.state.is === 'ready' && each.state.media.voice);
  const limit = takesCaption(own) ? MAX_CAPTION : MAX_TEXT;

  const submit = () => {
    const body = readDraft(sessionId, mode).trim();
    if (body.length > limit || isUploading) return;
    if (ready.length > 0) {
      sendAttachments(sessionId, body, voice === 'yes');
      setVoice('no');
      writeDraft(sessionId, mode, '');
      field.current?.focus();
      return;
    }
    if (body === '') return;
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
      submit();
    } else if (event.key === 'Escape') {
      event.currentTarget.blur();
    }
  };
  const insertReply = (reply: string) => {
    writeDraft(sessionId, mode, reply);
    field.current?.focus();
  };

  const extraEnds = {
    onClose: () => setExtra(null),
    onSent: () => {
      if (extra !== null && carriesText(extra)) writeDraft(sessionId, mode, '');
      setExtra(null);
      focus('reply');
    },
  };
  const over = text.trim().length - limit;
  const empty = text.trim() === '' && ready.length === 0;
  const openList = [replies, mentions].find((list) => list.open === 'yes');
  return (
    <div className={css.composer} data-mode={mode} ref={anchor}>
      {held === 'yes' && (
        <div className={css.drop} aria-hidden="true">
          Drop files to send them
        </div>
      )}
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
      {own.length > 0 && <AttachmentTray sessionId={sessionId} files={own} />}
      {hasVoice && (
        <div className={css.voice}>
          <CheckField
            size="xs"
            label="As a voice message"
            checked={voice === 'yes'}
            onChange={(event) => setVoice(event.currentTarget.checked ? 'yes' : 'no')}
            data-testid="attachment-voice"
          />
        </div>
      )}
      <textarea
        ref={field}
        className={css.field}
        dir="auto"
        rows={1}
        value={text}
        aria-label={mode === 'reply' ? 'Your reply' : 'Note for your team'}
        placeholder={
          mode === 'reply'
            ? own.every((each) => each.state.is === 'refused')
              ? 'Write a reply,  /  for quick replies'
              : 'Add a caption'
            : 'Write a note that only your team sees,  @  calls a colleague'
        }
        data-testid="composer-input"
        data-reply-field={mode === 'reply' ? '' : undefined}
        aria-autocomplete="list"
        aria-controls={openList?.listId}
        aria-activedescendant={
          openList === undefined ? undefined : optionId(openList.listId, openList.active)
        }
        onChange={(event) => {
          writeDraft(sessionId, mode, event.target.value);
          setCaret(event.target.selectionStart);
          if (mode === 'reply' && event.target.value.trim() !== '') tellTyping();
        }}
        onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
        onKeyDown={onKeyDown}
        onPaste={(event) => {
          const pasted = [...event.clipboardData.files];
          if (pasted.length === 0 || !mayAttach) return;
          event.preventDefault();
          add(pasted);
        }}
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
            <IconButton
              label="Attach files"
              keys="u"
              onClick={() => picker.current?.click()}
              data-testid="composer-attach"
            >
              <IconPaperclip size={18} />
            </IconButton>
            <input
              ref={picker}
              type="file"
              accept={ACCEPT}
              multiple
              hidden
              aria-label="Files to attach"
              data-testid="composer-file"
              onChange={(event: ChangeEvent<HTMLInputElement>) => {
                add([...(event.target.files ?? [])]);
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
          disabled={empty || over > 0 || isUploading}
          onClick={submit}
          data-testid="composer-send"
        >
          {isUploading ? 'Uploading' : mode === 'note' ? 'Add note' : 'Send'}
          <IconSend2 size={16} aria-hidden="true" />
        </button>
      </div>
      {extra !== null && (
        <Suspense fallback={null}>
          {extra === 'form' ? (
            <SendFormDialog sessionId={sessionId} text={text.trim()} {...extraEnds} />
          ) : (
            <ExtraDialog sessionId={sessionId} kind={extra} text={text.trim()} {...extraEnds} />
          )}
        </Suspense>
      )}
    </div>
  );
}
