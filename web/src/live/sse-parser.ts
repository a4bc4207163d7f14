export interface Frame {
  id: string | null;
  event: string;
  data: string;
}

/**
 * Cuts a text stream into server-sent event frames (WHATWG HTML 9.2.6). Chunks may end anywhere,
 * also between the two characters of a line break.
 */
export class FrameParser {
  #rest = '';

  push(chunk: string): Frame[] {
    this.#rest += chunk;
    const frames: Frame[] = [];
    for (;;) {
      const end = /\r\n\r\n|\n\n|\r\r(?!$)/.exec(this.#rest);
      if (end === null) return frames;
      const frame = parseFrame(this.#rest.slice(0, end.index));
      this.#rest = this.#rest.slice(end.index + end[0].length);
      if (frame !== null) frames.push(frame);
    }
  }
}

function parseFrame(block: string): Frame | null {
  let id: string | null = null;
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':');
    if (colon === 0 || line === '') continue;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'id') id = value;
    else if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
  }
  return data.length === 0 ? null : { id, event, data: data.join('\n') };
}
