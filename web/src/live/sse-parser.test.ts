import { describe, expect, it } from 'vitest';
import { FrameParser, type Frame } from './sse-parser';

const TEXT =
  ': comment\n\nid: 7\nevent: message.created\ndata: {"a":1}\n\n' +
  'event: heartbeat\ndata: {"seq":9}\n\ndata: one\ndata: two\n\n';

const FRAMES: Frame[] = [
  { id: '7', event: 'message.created', data: '{"a":1}' },
  { id: null, event: 'heartbeat', data: '{"seq":9}' },
  { id: null, event: 'message', data: 'one\ntwo' },
];

describe('FrameParser', () => {
  it('reads frames and skips comments', () => {
    expect(new FrameParser().push(TEXT)).toEqual(FRAMES);
  });

  it('gives the same frames wherever the chunks are cut', () => {
    for (const text of [TEXT, TEXT.replaceAll('\n', '\r\n')]) {
      for (let cut = 0; cut <= text.length; cut += 1) {
        const parser = new FrameParser();
        const frames = [...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))];
        expect(frames).toEqual(FRAMES);
      }
    }
  });

  it('keeps an unfinished frame back', () => {
    expect(new FrameParser().push('data: {"a":')).toEqual([]);
  });
});
