import { IconClockPause } from '@tabler/icons-react';
import { useRef, useState } from 'react';
import { ApiError } from '@/api/errors';
import { newKey } from '@/api/client';
import { draftKey, readDraft, useDrafts, writeDraft } from '@/lib/drafts';
import { send } from '@/live';
import { notify } from '@/ui';
import { keepReply } from './api';
import css from './composer.module.css';

const MAX_TEXT = 4096;

/**
 * Where a reply is written while the window is closed: it waits, and is sent as soon as the customer
 * answers. The text is the same draft as in the open composer, so nothing typed before is lost.
 */
export function KeepReply({ sessionId }: { sessionId: string }) {
  const text = useDrafts((state) => state.drafts[draftKey(sessionId, 'reply')] ?? '');
  const [busy, setBusy] = useState(false);
  // One id for each text that is kept, however often it is tried: what the server has taken under it stays what it was.
  const tried = useRef({ sessionId: '', body: '', clientId: '' });
  const over = text.length - MAX_TEXT;
  const submit = async () => {
    const body = readDraft(sessionId, 'reply').trim();
    if (body === '' || body.length > MAX_TEXT) return;
    if (tried.current.sessionId !== sessionId || tried.current.body !== body) {
      tried.current = { sessionId, body, clientId: newKey() };
    }
    const taken = () => {
      tried.current = { sessionId: '', body: '', clientId: '' };
      // What was typed meanwhile is nowhere else.
      if (readDraft(sessionId, 'reply').trim() === body) writeDraft(sessionId, 'reply', '');
    };
    setBusy(true);
    try {
      await keepReply(sessionId, body, tried.current.clientId);
      taken();
    } catch (error) {
      if (error instanceof ApiError && error.code === 'window_open') {
        // The customer wrote in between: it goes out at once.
        send({ sessionId, content: { kind: 'text', text: body }, text: body });
        taken();
      } else {
        notify.failure(error);
      }
    }
    setBusy(false);
  };
  return (
    <div className={css.composer} data-mode="keep">
      <textarea
        className={css.field}
        rows={2}
        value={text}
        aria-label="Reply that waits for the customer"
        placeholder="Write your reply now; it is sent as soon as the customer answers"
        data-testid="keep-input"
        data-reply-field=""
        onChange={(event) => writeDraft(sessionId, 'reply', event.target.value)}
      />
      <div className={css.tools}>
        <span
          className={css.hint}
          role={over > 0 ? 'alert' : undefined}
          data-over={over > 0 ? 'yes' : 'no'}
        >
          {over > 0 ? `${over} characters too many` : 'Only the customer opens the window'}
        </span>
        <button
          type="button"
          className={css.send}
          disabled={text.trim() === '' || over > 0 || busy}
          onClick={() => void submit()}
          data-testid="keep-send"
        >
          Keep reply
          <IconClockPause size={16} aria-hidden="true" />
        </button>
      </div>
    </div>
  );
}
