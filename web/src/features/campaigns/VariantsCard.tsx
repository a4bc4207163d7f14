import { IconTrash } from '@tabler/icons-react';
import type { CampaignInput, Variant } from '@/api/types';
import { Card, IconButton, NumberField, Stack, TextArea, TextField } from '@/ui';
import css from './editor.module.css';

interface VariantsCardProps {
  input: CampaignInput;
  onChange: (input: CampaignInput) => void;
}

const MOST = 8;

/** Texts that are tried against each other, and a group that gets none. */
export function VariantsCard({ input, onChange }: VariantsCardProps) {
  const { variants } = input;
  const set = (next: Variant[]) => onChange({ ...input, variants: next });
  const fresh = (at: number, body: string): Variant => ({
    name: String.fromCharCode(65 + at),
    weight: 1,
    body,
    texts: [],
  });
  const change = (at: number, part: Partial<Variant>) =>
    set(variants.map((each, index) => (index === at ? { ...each, ...part } : each)));
  return (
    <Card
      title="Test of texts"
      description={
        variants.length === 0
          ? 'Send different texts to parts of the audience and see which one brings more chats.'
          : 'These texts go out instead of the one above. Who gets which is fixed by the plan.'
      }
    >
      <Stack gap={12}>
        {variants.map((variant, at) => (
          <div key={at} className={css.variant} role="group" aria-label={`Variant ${variant.name}`}>
            <TextField
              label="Name"
              value={variant.name}
              onChange={(event) => change(at, { name: event.currentTarget.value })}
            />
            <NumberField
              min={1}
              max={100}
              label="Share"
              value={variant.weight}
              onNumber={(weight) => change(at, { weight })}
            />
            <TextArea
              label="Text"
              autosize
              minRows={2}
              value={variant.body}
              onChange={(event) => change(at, { body: event.currentTarget.value })}
              data-testid="variant-body"
            />
            <IconButton
              label={`Remove variant ${variant.name}`}
              onClick={() =>
                set(variants.length <= 2 ? [] : variants.filter((_, index) => index !== at))
              }
            >
              <IconTrash size={16} />
            </IconButton>
          </div>
        ))}
        <div className={css.two}>
          <div>
            {variants.length < MOST && (
              <button
                type="button"
                className={css.textButton}
                onClick={() =>
                  set(
                    variants.length === 0
                      ? [fresh(0, input.body), fresh(1, input.body)]
                      : [...variants, fresh(variants.length, input.body)],
                  )
                }
                data-testid="variant-add"
              >
                {variants.length === 0 ? '+ Try several texts' : '+ Another text'}
              </button>
            )}
          </div>
          <NumberField
            min={0}
            max={50}
            label="Hold out, percent"
            description="They get nothing and are counted, to compare with."
            value={input.held_out_percent}
            onNumber={(held_out_percent) => onChange({ ...input, held_out_percent })}
            data-testid="held-out"
          />
        </div>
      </Stack>
    </Card>
  );
}
