// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, NETWORK_ERROR } from '@/api/errors';
import * as upload from '@/api/upload';
import * as live from '@/live';
import {
  attach,
  attachmentsOf,
  clearAttachments,
  detach,
  keepAttachmentsOf,
  MOST_FILES,
  sendAttachments,
  takesCaption,
  useAttachments,
} from './attachments';

const file = (name: string, type: string, size = 10) =>
  new File([new Uint8Array(size)], name, { type });
const of = (sessionId: string) => attachmentsOf(useAttachments.getState(), sessionId);

let uploadFile: ReturnType<typeof vi.spyOn>;

beforeEach(() => {
  useAttachments.setState({ bySession: {} });
  vi.restoreAllMocks();
  URL.createObjectURL = () => 'blob:x';
  URL.revokeObjectURL = () => undefined;
  uploadFile = vi.spyOn(upload, 'uploadFile').mockImplementation((_, sent) =>
    Promise.resolve({
      id: `med_${sent.name}`,
      mime: sent.type,
      size: sent.size,
      file_name: sent.name,
      voice: sent.type === 'audio/ogg',
    } as never),
  );
});

describe('attachments', () => {
  it('uploads nothing that WhatsApp would refuse, and says why', () => {
    attach('ses_1', [file('a.gif', 'image/gif'), file('b.png', 'image/png', 0)]);
    expect(of('ses_1').map((each) => each.state.is)).toEqual(['refused', 'refused']);
    expect(uploadFile).not.toHaveBeenCalled();
  });

  it('keeps the files of a conversation in it', async () => {
    attach('ses_1', [file('a.png', 'image/png')]);
    attach('ses_2', [file('b.pdf', 'application/pdf')]);
    await vi.waitFor(() => expect(of('ses_1')[0]?.state.is).toBe('ready'));
    const send = vi.spyOn(live, 'send').mockImplementation(() => undefined);
    sendAttachments('ses_1', 'Look', false);
    expect(send).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({
        sessionId: 'ses_1',
        content: { kind: 'image', media_id: 'med_a.png', caption: 'Look' },
      }),
    );
    expect(of('ses_1')).toEqual([]);
    expect(of('ses_2')).toHaveLength(1);
  });

  it('gives the text to the first file that takes one, or sends it as a message of its own', async () => {
    const send = vi.spyOn(live, 'send').mockImplementation(() => undefined);
    attach('ses_1', [
      file('v.ogg', 'audio/ogg'),
      file('a.png', 'image/png'),
      file('b.pdf', 'application/pdf'),
    ]);
    await vi.waitFor(() =>
      expect(of('ses_1').every((each) => each.state.is === 'ready')).toBe(true),
    );
    expect(takesCaption(of('ses_1'))).toBe(true);
    sendAttachments('ses_1', 'Hi', true);
    expect(send.mock.calls.map(([each]) => each.content)).toEqual([
      { kind: 'audio', media_id: 'med_v.ogg', voice: true },
      { kind: 'image', media_id: 'med_a.png', caption: 'Hi' },
      { kind: 'document', media_id: 'med_b.pdf' },
    ]);
    send.mockClear();
    attach('ses_1', [file('v.mp3', 'audio/mpeg')]);
    await vi.waitFor(() => expect(of('ses_1')[0]?.state.is).toBe('ready'));
    expect(takesCaption(of('ses_1'))).toBe(false);
    sendAttachments('ses_1', 'Hi', true);
    expect(send.mock.calls.map(([each]) => each.content)).toEqual([
      { kind: 'audio', media_id: 'med_v.mp3', voice: false },
      { kind: 'text', text: 'Hi' },
    ]);
  });

  it('keeps a file that could not be uploaded when the others are sent', async () => {
    vi.spyOn(live, 'send').mockImplementation(() => undefined);
    uploadFile.mockRejectedValueOnce(new ApiError(0, NETWORK_ERROR));
    attach('ses_1', [
      file('a.png', 'image/png'),
      file('b.png', 'image/png'),
      file('c.gif', 'image/gif'),
    ]);
    await vi.waitFor(() => expect(of('ses_1')[1]?.state.is).toBe('ready'));
    sendAttachments('ses_1', 'Look', false);
    expect(of('ses_1').map((each) => [each.file.name, each.state.is])).toEqual([
      ['a.png', 'failed'],
    ]);
  });

  it('stops an upload that is taken out', () => {
    let signal: AbortSignal | undefined;
    uploadFile.mockImplementation((_: string, __: File, options: upload.UploadOptions) => {
      signal = options.signal;
      return new Promise(() => undefined);
    });
    attach('ses_1', [file('a.png', 'image/png')]);
    const [first] = of('ses_1');
    if (first !== undefined) detach('ses_1', first);
    expect(signal?.aborted).toBe(true);
    expect(of('ses_1')).toEqual([]);
  });

  it('stops and forgets all files of whoever signs out, and those of another user', async () => {
    const signals: (AbortSignal | undefined)[] = [];
    const revoked = vi.fn();
    URL.revokeObjectURL = revoked;
    uploadFile.mockImplementation((_: string, __: File, options: upload.UploadOptions) => {
      signals.push(options.signal);
      return new Promise(() => undefined);
    });
    const both = () => [...of('ses_1'), ...of('ses_2')];
    const begin = () => {
      attach('ses_1', [file('a.png', 'image/png')]);
      attach('ses_2', [file('b.png', 'image/png'), file('c.gif', 'image/gif')]);
    };
    begin();
    clearAttachments();
    expect(both()).toEqual([]);
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, true]);
    expect(revoked).toHaveBeenCalledTimes(2);

    keepAttachmentsOf('usr_1');
    begin();
    // Signed in again after the login had ended.
    keepAttachmentsOf('usr_1');
    expect(both()).toHaveLength(3);
    keepAttachmentsOf('usr_2');
    expect(both()).toEqual([]);
  });

  it('takes so many at once and no more', () => {
    attach(
      'ses_1',
      Array.from({ length: MOST_FILES + 1 }, (_, index) => file(`${index}.png`, 'image/png')),
    );
    expect(of('ses_1').filter((each) => each.state.is === 'refused')).toHaveLength(1);
    expect(uploadFile).toHaveBeenCalledTimes(MOST_FILES);
  });
});
