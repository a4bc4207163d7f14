import type { Colleague, NoteMention } from '@/api/inbox-types';

/** The unfinished name before the caret, and where its `@` stands; `null` when there is none. */
export function nameAt(text: string, caret: number): { at: number; words: string } | null {
  const before = text.slice(0, caret);
  const found = /(?:^|[\s(])@([^@\n]{0,40})$/u.exec(before);
  if (found === null) return null;
  const words = found[1] ?? '';
  return { at: before.length - words.length - 1, words };
}

/** Colleagues whose name has a part that begins with the words; who cannot be called comes last. */
export function matching(colleagues: Colleague[], words: string): Colleague[] {
  const wanted = words.toLowerCase();
  if (wanted.trim() !== wanted && wanted.trim() !== '') {
    // A finished name with a blank after it: the list is done.
    const name = wanted.trim();
    if (colleagues.some((each) => each.name.toLowerCase() === name)) return [];
  }
  const begins = (name: string) =>
    name.toLowerCase().startsWith(wanted) ||
    name
      .toLowerCase()
      .split(/\s+/)
      .some((part) => part.startsWith(wanted));
  return colleagues.filter((each) => begins(each.name)).slice(0, 8);
}

/**
 * The note as the server takes it: names that were chosen become ids. A name is taken as a whole, the
 * longest first, so that `@Ann Lee` is never `@Ann` and a word.
 */
export function withIds(text: string, chosen: ReadonlyMap<string, string>): string {
  const names = [...chosen.keys()].sort((a, b) => b.length - a.length);
  let out = '';
  for (let at = 0; at < text.length;) {
    const name =
      text[at] === '@'
        ? names.find(
            (each) =>
              text.startsWith(each, at + 1) &&
              !/[\p{L}\p{N}_]/u.test(text.slice(at + 1 + each.length).slice(0, 1)),
          )
        : undefined;
    if (name === undefined) {
      out += text[at];
      at += 1;
    } else {
      out += `<@${chosen.get(name) ?? ''}>`;
      at += name.length + 1;
    }
  }
  return out;
}

export interface Piece {
  text: string;
  /** The colleague who is spoken to. */
  userId: string | null;
}

/** Parts a note at its mentions. Places count code points, not the halves that strings are made of. */
export function pieces(text: string, mentions: NoteMention[]): Piece[] {
  const letters = Array.from(text);
  const parts: Piece[] = [];
  let from = 0;
  for (const { user_id, start, length } of mentions) {
    if (start < from || start + length > letters.length) continue;
    parts.push({ text: letters.slice(from, start).join(''), userId: null });
    parts.push({ text: letters.slice(start, start + length).join(''), userId: user_id });
    from = start + length;
  }
  parts.push({ text: letters.slice(from).join(''), userId: null });
  return parts.filter((part) => part.text !== '');
}
