import type { NoteMention } from '@/api/inbox-types';
import { useLive } from '@/live';
import { pieces } from './mention-text';
import css from './mentions.module.css';

/** A note with its colleagues marked, the reader most. */
export function NoteText({ text, mentions }: { text: string; mentions: NoteMention[] }) {
  const me = useLive((state) => state.user?.id);
  return (
    <p className={css.note} dir="auto">
      {pieces(text, mentions).map((piece, index) =>
        piece.userId === null ? (
          piece.text
        ) : (
          <mark
            key={index}
            className={css.mention}
            data-me={piece.userId === me ? 'yes' : 'no'}
            data-testid="mention"
          >
            {piece.text}
          </mark>
        ),
      )}
    </p>
  );
}
