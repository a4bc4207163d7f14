import { useState } from 'react';
import type { LocaleText } from '@/api/text-types';
import type { CampaignInput, TextPreview } from '@/api/types';
import { countSegments } from '@/lib/gsm7';
import { Card, Stack, TextArea, TextField } from '@/ui';
import { Findings } from './TextChecks';
import css from './texts.module.css';

interface LanguagesCardProps {
  input: CampaignInput;
  onChange: (input: CampaignInput) => void;
  preview: TextPreview | null;
}

/** The text in other languages, each counted and checked. */
export function LanguagesCard({ input, onChange, preview }: LanguagesCardProps) {
  const { texts } = input;
  const [open, setOpen] = useState(0);
  const place = Math.min(open, texts.length - 1);
  const current = texts[place];
  const set = (next: LocaleText[]) => onChange({ ...input, texts: next });
  const change = (part: Partial<LocaleText>) =>
    set(texts.map((each, index) => (index === place ? { ...each, ...part } : each)));
  return (
    <Card
      title="Other languages"
      description={
        input.variants.length > 0
          ? 'These belong to the text above. While several texts are tried against each other, each of them goes out in one language.'
          : 'A contact with the language pt-BR gets the text for pt-BR, else that for pt, else the text above.'
      }
      data-testid="languages"
    >
      <Stack gap={12}>
        <div className={css.chips} role="group" aria-label="Languages">
          {texts.map((text, index) => (
            <button
              key={index}
              type="button"
              aria-pressed={index === place}
              onClick={() => setOpen(index)}
            >
              {text.locale === '' ? 'new' : text.locale}
            </button>
          ))}
          <button
            type="button"
            onClick={() => {
              set([...texts, { locale: '', body: '' }]);
              setOpen(texts.length);
            }}
            data-testid="language-add"
          >
            + Language
          </button>
        </div>
        {current !== undefined && (
          <OneLanguage
            text={current}
            onChange={change}
            onRemove={() => set(texts.filter((_, index) => index !== place))}
            preview={preview}
          />
        )}
      </Stack>
    </Card>
  );
}

interface OneLanguageProps {
  text: LocaleText;
  onChange: (part: Partial<LocaleText>) => void;
  onRemove: () => void;
  preview: TextPreview | null;
}

function OneLanguage({ text, onChange, onRemove, preview }: OneLanguageProps) {
  const counted = preview?.texts.find((each) => each.locale === text.locale);
  const here = countSegments(text.body);
  return (
    <>
      <TextField
        label="Language"
        description="Such as de, pt-BR or zh-Hant."
        value={text.locale}
        onChange={(event) => onChange({ locale: event.currentTarget.value })}
        data-testid="language-locale"
      />
      <TextArea
        label="Text"
        description={
          counted === undefined
            ? `≈ ${here.segments} SMS, ${here.units} characters without the link`
            : `${counted.segments} SMS, ${counted.units} characters with the link`
        }
        autosize
        minRows={3}
        value={text.body}
        onChange={(event) => onChange({ body: event.currentTarget.value })}
        data-testid="language-body"
      />
      {counted !== undefined && counted.findings.length > 0 && (
        <Findings findings={counted.findings} onFix={(body) => onChange({ body })} />
      )}
      <div>
        <button type="button" className={css.do} onClick={onRemove}>
          Remove this language
        </button>
      </div>
    </>
  );
}
