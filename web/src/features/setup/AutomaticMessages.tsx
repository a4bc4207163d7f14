import type { AutomaticMessage, ConversationSettings, Occasion } from '@/api/conversation-types';
import type { LocaleText } from '@/api/text-types';
import { Button, CheckField, Row, TextArea, TextField } from '@/ui';
import css from './conversation.module.css';
import { example, OCCASIONS } from './conversation-words';

interface MessagesProps {
  settings: ConversationSettings;
  brand: string;
  onChange: (messages: ConversationSettings['messages']) => void;
}

/** The texts a channel says by itself, each with what a customer reads. */
export function AutomaticMessages({ settings, brand, onChange }: MessagesProps) {
  const change = (key: Occasion, message: AutomaticMessage) =>
    onChange({ ...settings.messages, [key]: message });
  return (
    <div className={css.messages}>
      {OCCASIONS.map(({ key, title, when }) => {
        const message = settings.messages[key] ?? {
          enabled: false,
          text: key === 'accepted' ? '{agent} is now with you.' : '',
          texts: [],
        };
        return (
          <section key={key} className={css.message} data-testid={`automatic-${key}`}>
            <CheckField
              label={title}
              description={when}
              checked={message.enabled}
              onChange={(event) =>
                change(key, { ...message, enabled: event.currentTarget.checked })
              }
              data-testid={`automatic-${key}-on`}
            />
            {message.enabled && (
              <div className={css.editor}>
                <div>
                  <TextArea
                    label="Text"
                    rows={3}
                    maxLength={1024}
                    value={message.text}
                    onChange={(event) =>
                      change(key, { ...message, text: event.currentTarget.value })
                    }
                    data-testid={`automatic-${key}-text`}
                  />
                  <Languages
                    texts={message.texts}
                    onChange={(texts) => change(key, { ...message, texts })}
                  />
                </div>
                <div className={css.preview}>
                  <span>The customer reads</span>
                  <p data-testid={`automatic-${key}-preview`}>
                    {example(message.text, brand, settings.hours)}
                  </p>
                </div>
              </div>
            )}
          </section>
        );
      })}
    </div>
  );
}

interface LanguagesProps {
  texts: LocaleText[];
  onChange: (texts: LocaleText[]) => void;
}

/** The same text in other languages; the contact's language decides. */
export function Languages({ texts, onChange }: LanguagesProps) {
  const change = (at: number, part: Partial<LocaleText>) =>
    onChange(texts.map((each, index) => (index === at ? { ...each, ...part } : each)));
  return (
    <div className={css.languages}>
      {texts.map((each, at) => (
        <Row key={at} align="end">
          <TextField
            label="Language"
            placeholder="de"
            value={each.locale}
            className={css.locale ?? ''}
            onChange={(event) => change(at, { locale: event.currentTarget.value })}
          />
          <TextArea
            label="Text in it"
            rows={2}
            value={each.body}
            className={css.grow ?? ''}
            onChange={(event) => change(at, { body: event.currentTarget.value })}
          />
          <Button
            emphasis="quiet"
            size="xs"
            onClick={() => onChange(texts.filter((_, index) => index !== at))}
          >
            Remove
          </Button>
        </Row>
      ))}
      <div>
        <Button
          emphasis="quiet"
          size="xs"
          onClick={() => onChange([...texts, { locale: '', body: '' }])}
        >
          Add a language
        </Button>
      </div>
    </div>
  );
}
