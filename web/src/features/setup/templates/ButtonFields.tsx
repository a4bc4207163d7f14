import { IconArrowUp, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import type { CodeApp, TemplateButton } from '@/api/template-types';
import { Button, IconButton, Row, SelectField, TextField } from '@/ui';
import css from './templates.module.css';
import { BUTTON_KINDS, newButton, placeholders, type ButtonKind } from './words';

interface ButtonFieldsProps {
  buttons: TemplateButton[];
  problem: (field: string) => string | undefined;
  onChange: (buttons: TemplateButton[]) => void;
  /** What they can do; everything when it is left out. */
  kinds?: ButtonKind[];
  most?: number;
  /** Where they stand, for people who hear the page: ` of card 2`. */
  on?: string;
}

/** The buttons of a template, each with the fields of its kind. */
export function ButtonFields(props: ButtonFieldsProps) {
  const { buttons, problem, onChange, kinds, most = 10, on = '' } = props;
  const offered = BUTTON_KINDS.filter((kind) => kinds === undefined || kinds.includes(kind.value));
  // Chosen first and added then: arrow keys go through a list by choosing.
  const [chosen, setChosen] = useState<ButtonKind | undefined>(offered[0]?.value);
  return (
    <fieldset className={css.group}>
      <legend>Buttons{on}</legend>
      {problem('buttons') !== undefined && <p className={css.problem}>{problem('buttons')}</p>}
      {buttons.map((button, index) => (
        <div key={index} className={css.button} data-testid="template-button">
          <OneButton
            name={`Button ${index + 1}${on}`}
            button={button}
            problem={(name) => problem(`buttons.${index}.${name}`)}
            onChange={(changed) => onChange(buttons.with(index, changed))}
          />
          <Row>
            <IconButton
              label={`Move button ${index + 1}${on} up`}
              disabled={index === 0}
              onClick={() => {
                const above = buttons[index - 1];
                if (above !== undefined)
                  onChange(buttons.with(index, above).with(index - 1, button));
              }}
            >
              <IconArrowUp size={16} />
            </IconButton>
            <IconButton
              label={`Remove button ${index + 1}${on}`}
              onClick={() => onChange(buttons.toSpliced(index, 1))}
            >
              <IconTrash size={16} />
            </IconButton>
          </Row>
        </div>
      ))}
      {buttons.length < most && (
        <Row>
          <SelectField
            aria-label={`What another button does${on}`}
            data={offered}
            value={chosen}
            onChange={(event) => setChosen(event.currentTarget.value as ButtonKind)}
            data-testid="template-button-kind"
          />
          <Button
            emphasis="secondary"
            aria-label={`Add a button${on}`}
            disabled={chosen === undefined}
            onClick={() => chosen !== undefined && onChange([...buttons, newButton(chosen)])}
            data-testid="template-button-add"
          >
            Add a button
          </Button>
        </Row>
      )}
    </fieldset>
  );
}

interface OneButtonProps {
  /** `Button 1` and where it stands. */
  name: string;
  button: TemplateButton;
  problem: (name: string) => string | undefined;
  onChange: (button: TemplateButton) => void;
}

function OneButton({ name: place, button, problem, onChange }: OneButtonProps) {
  const label = BUTTON_KINDS.find((kind) => kind.value === button.kind)?.label ?? 'Button';
  const name = `${place}: ${label}`;
  if (button.kind === 'request_contact_info') {
    return <p>{name}. WhatsApp writes the words itself.</p>;
  }
  if (button.kind === 'other') {
    return <p>{name}. It was made elsewhere and is kept as it is.</p>;
  }
  if (button.kind === 'copy_code') {
    return (
      <TextField
        label={`${name}, example of the code`}
        value={button.sample}
        error={problem('sample')}
        onChange={(event) => onChange({ ...button, sample: event.currentTarget.value })}
      />
    );
  }
  return (
    <div className={css.pair}>
      <TextField
        label={name}
        description="Words on it, at most 25 characters."
        value={button.text ?? ''}
        error={problem('text')}
        onChange={(event) => onChange({ ...button, text: event.currentTarget.value })}
      />
      {button.kind === 'url' && (
        <TextField
          label="Address"
          description="May end in {{1}}."
          value={button.url}
          error={problem('url')}
          onChange={(event) => onChange({ ...button, url: event.currentTarget.value })}
        />
      )}
      {button.kind === 'url' && placeholders(button.url).length > 0 && (
        <TextField
          label="Example of the whole address"
          value={button.sample ?? ''}
          error={problem('sample')}
          onChange={(event) => onChange({ ...button, sample: event.currentTarget.value })}
        />
      )}
      {button.kind === 'phone_number' && (
        <TextField
          label="Number"
          value={button.phone_number}
          error={problem('phone_number')}
          onChange={(event) => onChange({ ...button, phone_number: event.currentTarget.value })}
        />
      )}
      {button.kind === 'flow' && (
        <TextField
          label="Id of the form"
          value={button.flow_id}
          error={problem('flow_id')}
          onChange={(event) => onChange({ ...button, flow_id: event.currentTarget.value })}
        />
      )}
      {button.kind === 'flow' && (
        <TextField
          label="First screen"
          description="Empty when the form asks a server."
          value={button.screen ?? ''}
          onChange={(event) => onChange({ ...button, screen: event.currentTarget.value || null })}
        />
      )}
    </div>
  );
}

/** How a one-time code gets into the app. */
export function CodeFields({ buttons, problem, onChange }: ButtonFieldsProps) {
  const button = buttons[0];
  if (button?.kind !== 'one_time_code') return null;
  const app: CodeApp = button.apps[0] ?? { package_name: '', signature_hash: '' };
  return (
    <fieldset className={css.group}>
      <legend>How the customer takes the code</legend>
      <SelectField
        label="Way"
        data={[
          { value: 'copy_code', label: 'A button copies it' },
          { value: 'one_tap', label: 'One tap gives it to the app' },
          { value: 'zero_tap', label: 'The app gets it by itself' },
        ]}
        value={button.mode}
        onChange={(event) =>
          onChange([{ ...button, mode: event.currentTarget.value as typeof button.mode }])
        }
      />
      <TextField
        label="Words on the button"
        description="WhatsApp’s own words when it is empty."
        value={button.text ?? ''}
        error={problem('buttons.0.text')}
        onChange={(event) => onChange([{ ...button, text: event.currentTarget.value || null }])}
      />
      {button.mode !== 'copy_code' && (
        <div className={css.pair}>
          <TextField
            label="Package name of the Android app"
            value={app.package_name}
            error={problem('buttons.0.apps')}
            onChange={(event) =>
              onChange([{ ...button, apps: [{ ...app, package_name: event.currentTarget.value }] }])
            }
          />
          <TextField
            label="Signature hash"
            value={app.signature_hash}
            onChange={(event) =>
              onChange([
                { ...button, apps: [{ ...app, signature_hash: event.currentTarget.value }] },
              ])
            }
          />
        </div>
      )}
    </fieldset>
  );
}
