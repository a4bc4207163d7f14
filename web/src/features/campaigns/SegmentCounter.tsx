import { useQuery } from '@tanstack/react-query';
import type { CampaignInput, TextPreview } from '@/api/types';
import { countSegments } from '@/lib/gsm7';
import { sampleText } from '@/lib/merge-fields';
import { useDebounced } from '@/lib/use-debounced';
import { previewText, type TextInput } from './api';
import css from './editor.module.css';

/** About as long as the footer the server will add; only used until its answer is here. */
const FOOTER_GUESS = {
  tracked: '\nhttps://example.com/l/abcdefghijkmnpqr',
  wa_me: '\nhttps://wa.me/15550100123?text=Hi%21%20%28ref%20ABCD-EFGH-JKMN-PQRS%29',
  none: '',
};

/** Whose text is shown: a contact's, that of somebody made up, or nobody's. */
export type Reader = Pick<TextInput, 'contact_id' | 'person'>;

export interface CountedText {
  preview: TextPreview | null;
  /** `exact` once the server has counted this very text. */
  source: 'exact' | 'estimate';
  segments: number;
  units: number;
  remaining: number;
  encoding: 'gsm7' | 'ucs2';
}

function toTextInput(input: CampaignInput, reader: Reader): TextInput {
  return {
    body: input.body,
    footer: input.footer,
    prefilled_text: input.prefilled_text,
    // A text that is being begun is not refused yet.
    texts: input.texts.filter((each) => each.locale.trim() !== '' && each.body.trim() !== ''),
    ...reader,
    ...(input.whatsapp_channel_id === null
      ? {}
      : { whatsapp_channel_id: input.whatsapp_channel_id }),
    ...(input.sender_id === null ? {} : { sender_id: input.sender_id }),
    ...(input.pool_id === null ? {} : { pool_id: input.pool_id }),
  };
}

/** Counts at once by itself, then takes over what the server says. */
export function useCountedText(input: CampaignInput, reader: Reader = {}): CountedText {
  const wanted = toTextInput(input, reader);
  const settled = useDebounced(JSON.stringify(wanted), 250);
  const settledInput = JSON.parse(settled) as TextInput;
  const { data, isPlaceholderData } = useQuery({
    queryKey: ['preview-text', settled],
    queryFn: () => previewText(settledInput),
    enabled: settledInput.body.trim() !== '',
    placeholderData: (previous: TextPreview | undefined) => previous,
    staleTime: 60_000,
    retry: false,
  });
  const preview = data ?? null;
  if (preview !== null && !isPlaceholderData && settled === JSON.stringify(wanted)) {
    const { segments, units, remaining, encoding } = preview;
    return { preview, source: 'exact', segments, units, remaining, encoding };
  }
  const { segments, units, remaining, encoding } = countSegments(
    input.body === '' ? '' : input.body + FOOTER_GUESS[input.footer],
  );
  return { preview, source: 'estimate', segments, units, remaining, encoding };
}

export function SegmentCounter({ counted, files }: { counted: CountedText; files: number }) {
  const about = counted.source === 'exact' ? '' : '≈ ';
  return (
    <div
      className={css.counter}
      data-testid="segment-counter"
      data-segments={counted.segments}
      data-encoding={counted.encoding}
      data-source={counted.source}
    >
      {files > 0 ? (
        <>
          <strong>1 MMS</strong>
          <span>
            {files === 1 ? 'one file' : `${files} files`} and a text of {counted.units} characters
          </span>
        </>
      ) : (
        <>
          <strong>
            {about}
            {counted.segments} SMS
          </strong>
          <span>{counted.units} characters with link</span>
          <span>{counted.remaining} left in this SMS</span>
          <span>{counted.encoding === 'gsm7' ? 'GSM alphabet' : 'Unicode'}</span>
        </>
      )}
      {counted.preview !== null && counted.preview.opt_out_line !== null && (
        <span data-testid="opt-out-line">with “{counted.preview.opt_out_line}”</span>
      )}
      {counted.preview !== null && counted.preview.unknown_fields.length > 0 && (
        <span className={css.unknown}>
          Unknown field: {counted.preview.unknown_fields.join(', ')}
        </span>
      )}
    </div>
  );
}

/** What the phone shows: the text of a sample customer with the link the server would add. */
export function phoneText(input: CampaignInput, counted: CountedText): string {
  if (input.body.trim() === '') return '';
  const link = /https?:\/\/\S+(?=\s*$)/.exec(counted.preview?.text ?? '')?.[0];
  const text = sampleText(input.body);
  return input.footer === 'none' || link === undefined ? text : `${text} ${link}`;
}
