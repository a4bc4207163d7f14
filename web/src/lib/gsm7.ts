/**
 * Counts SMS segments while somebody types. The server counts again when it plans the campaign and
 * its figure is the truth; this one exists so that the counter moves with every key.
 *
 * Source: 3GPP TS 23.038 (default alphabet and extension table), TS 23.040 (concatenation header).
 */
const BASIC =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?' +
  '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
const EXTENSION = '\f^{}\\[~]|€';

const basic = new Set(BASIC);
const extension = new Set(EXTENSION);

const GSM_SINGLE = 160;
const GSM_PART = 153;
const UCS2_SINGLE = 70;
const UCS2_PART = 67;

export interface SegmentCount {
  encoding: 'gsm7' | 'ucs2';
  /** Septets (GSM-7) or UTF-16 code units (UCS-2) of the text. */
  units: number;
  segments: number;
  /** Units that still fit in the last segment. */
  remaining: number;
  /** The distinct characters that force UCS-2, in order of appearance. */
  nonGsm: string[];
}

/** Septets one character needs in GSM-7, or `null` when the alphabet does not have it. */
function septets(character: string): 1 | 2 | null {
  if (basic.has(character)) return 1;
  return extension.has(character) ? 2 : null;
}

export function isGsm(character: string): boolean {
  return septets(character) !== null;
}

export function countSegments(text: string): SegmentCount {
  const nonGsm = [...new Set([...text].filter((character) => !isGsm(character)))];
  const gsm = nonGsm.length === 0;
  const characters = [...text];
  const sizes = characters.map((character) => (gsm ? (septets(character) ?? 1) : character.length));
  const units = sizes.reduce((sum, size) => sum + size, 0);
  const single = gsm ? GSM_SINGLE : UCS2_SINGLE;
  const part = gsm ? GSM_PART : UCS2_PART;
  const encoding = gsm ? 'gsm7' : 'ucs2';
  if (units <= single) {
    return { encoding, units, segments: units === 0 ? 0 : 1, remaining: single - units, nonGsm };
  }
  // A two-unit character (escape pair or surrogate pair) never straddles two segments.
  let segments = 1;
  let used = 0;
  for (const size of sizes) {
    if (used + size > part) {
      segments += 1;
      used = 0;
    }
    used += size;
  }
  return { encoding, units, segments, remaining: part - used, nonGsm };
}

/** Splits a text into runs of characters inside and outside the GSM alphabet, for highlighting. */
export function highlightRuns(text: string): { text: string; gsm: boolean }[] {
  const runs: { text: string; gsm: boolean }[] = [];
  for (const character of text) {
    const gsm = isGsm(character);
    const last = runs.at(-1);
    if (last?.gsm === gsm) last.text += character;
    else runs.push({ text: character, gsm });
  }
  return runs;
}
