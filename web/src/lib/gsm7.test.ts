import { describe, expect, it } from 'vitest';
import { countSegments, highlightRuns } from './gsm7';

describe('countSegments', () => {
  it('counts an empty text as no segment', () => {
    expect(countSegments('')).toMatchObject({ segments: 0, units: 0, remaining: 160 });
  });

  it.each([
    ['a'.repeat(160), 1, 0],
    ['a'.repeat(161), 2, 145],
    ['a'.repeat(306), 2, 0],
    ['a'.repeat(307), 3, 152],
  ])('splits plain text at 160 and then every 153 septets', (text, segments, remaining) => {
    expect(countSegments(text)).toMatchObject({ encoding: 'gsm7', segments, remaining });
  });

  it('counts characters of the extension table twice', () => {
    expect(countSegments('€'.repeat(80))).toMatchObject({ units: 160, segments: 1 });
    expect(countSegments('€'.repeat(81))).toMatchObject({ units: 162, segments: 2 });
  });

  it('does not cut an escape pair between two segments', () => {
    // 152 septets, then a pair: the pair moves to the second segment and leaves one septet unused.
    const text = 'a'.repeat(152) + '€' + 'a'.repeat(151);
    expect(countSegments(text)).toMatchObject({ units: 305, segments: 2, remaining: 0 });
    expect(countSegments(`${text}a`)).toMatchObject({ units: 306, segments: 3 });
  });

  it.each([
    ['ş'.repeat(70), 1, 0],
    ['ş'.repeat(71), 2, 63],
    ['ş'.repeat(135), 3, 66],
  ])('switches the whole text to UCS-2 when one character asks for it', (text, segments, left) => {
    expect(countSegments(text)).toMatchObject({ encoding: 'ucs2', segments, remaining: left });
  });

  it('does not cut a surrogate pair between two segments', () => {
    const text = 'ş'.repeat(66) + '😀' + 'ş'.repeat(65);
    expect(countSegments(text)).toMatchObject({ units: 133, segments: 2, remaining: 0 });
  });

  it('names each offending character once', () => {
    expect(countSegments('“Hello” 😀 “you”').nonGsm).toEqual(['“', '”', '😀']);
  });
});

describe('highlightRuns', () => {
  it('separates what fits the alphabet from what does not', () => {
    expect(highlightRuns('Hi “you”')).toEqual([
      { text: 'Hi ', gsm: true },
      { text: '“', gsm: false },
      { text: 'you', gsm: true },
      { text: '”', gsm: false },
    ]);
  });
});
