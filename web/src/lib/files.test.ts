import { describe, expect, it } from 'vitest';
import { checkFile, describeFile, formatBytes } from './files';

const MB = 1024 * 1024;

describe('files', () => {
  it.each([
    ['a.jpg', 'image/jpeg', 5 * MB, 'image'],
    ['a.png', 'image/png', 5 * MB, 'image'],
    ['a.mp4', 'video/mp4', 16 * MB, 'video'],
    ['a.3gp', '', 16 * MB, 'video'],
    ['a.ogg', 'audio/ogg; codecs=opus', 16 * MB, 'audio'],
    ['a.m4a', 'audio/x-m4a', 16 * MB, 'audio'],
    ['a.pdf', 'application/pdf', 100 * MB, 'document'],
    ['a.docx', '', 100 * MB, 'document'],
    ['a.webp', 'image/webp', 500 * 1024, 'sticker'],
  ])('takes %s up to its limit and not a byte more', (name, type, most, kind) => {
    expect(checkFile({ name, type, size: most })).toEqual({ ok: true, kind });
    const refused = checkFile({ name, type, size: most + 1 });
    expect(refused.ok).toBe(false);
    expect(!refused.ok && refused.reason).toContain(`up to ${formatBytes(most)}`);
  });

  it.each([
    ['a.gif', 'image/gif'],
    ['a.mkv', 'video/x-matroska'],
    ['a.exe', 'application/x-msdownload'],
    ['a.html', 'text/html'],
    ['a.svg', 'image/svg+xml'],
    ['noending', ''],
  ])('refuses %s in words', (name, type) => {
    const refused = checkFile({ name, type, size: 10 });
    expect(!refused.ok && refused.reason).toMatch(/does not take this kind/);
  });

  it('refuses an empty file', () => {
    expect(checkFile({ name: 'a.png', type: 'image/png', size: 0 }).ok).toBe(false);
  });

  it('writes sizes that never look smaller than a limit they break', () => {
    expect(formatBytes(512)).toBe('512 B');
    expect(formatBytes(100 * 1024)).toBe('100 KB');
    expect(formatBytes(1.49 * MB)).toBe('1.4 MB');
    expect(formatBytes(100 * MB)).toBe('100 MB');
  });

  it('says what a document is', () => {
    expect(describeFile('Offer.PDF', 'application/pdf', 120 * 1024)).toBe('PDF · 120 KB');
    expect(describeFile(null, 'application/pdf', null)).toBe('PDF');
    expect(describeFile(null, 'application/octet-stream', 10)).toBe('File · 10 B');
  });
});
