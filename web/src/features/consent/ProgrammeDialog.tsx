import { useState } from 'react';
import type { DateFormat, Programme, ProgrammeSettings } from '@/api/types';
import { PERIODS } from '@/lib/caps';
import { notify, SelectField, TextArea, TextField, CheckField } from '@/ui';
import { changeProgramme, createProgramme, type ProgrammeInput } from './api';
import css from './consent.module.css';
import { FormDialog } from './FormDialog';
import { OPT_INS } from './opt-ins';
import { useLists, useNumbers } from './use-sources';

const FRESH: ProgrammeSettings = {
  welcome_text:
    '{brand}: you joined {programme}. Msg & data rates may apply. HELP for help, STOP to end.',
  ask_text:
    '{brand}: reply YES to join {programme}. Msg & data rates may apply. HELP for help, STOP to end.',
  already_text: '{brand}: you are in {programme} already. HELP for help, STOP to end.',
  declined_text: '',
  accepted_words: ['YES', 'Y'],
  pending_hours: 72,
  birth_date_question:
    '{brand}: to join {programme} you must be {age} or older. Reply with your birth date, such as 12/31/1990.',
  minimum_age: 18,
  too_young_text: '{brand}: sorry, you cannot join {programme}.',
  retry_text: '{brand}: please reply with your birth date, such as 12/31/1990, or STOP.',
  date_formats: ['mdy'],
  caps: [],
};

const DATE_FORMATS: { value: DateFormat; label: string }[] = [
  { value: 'mdy', label: 'Month, day, year (12/31/1990)' },
  { value: 'dmy', label: 'Day, month, year (31.12.1990)' },
  { value: 'ymd', label: 'Year, month, day (1990-12-31)' },
];

interface Props {
  programme: Programme | null;
  onClose: () => void;
  onSaved: () => void;
}

export function ProgrammeDialog({ programme, onClose, onSaved }: Props) {
  const numbers = useNumbers();
  const lists = useLists();
  const [name, setName] = useState(programme?.name ?? '');
  const [sender, setSender] = useState(programme?.sender_id ?? '');
  const [optIn, setOptIn] = useState<Programme['opt_in']>(programme?.opt_in ?? 'double');
  const [covers, setCovers] = useState<Programme['covers']>(programme?.covers ?? 'all_marketing');
  const [list, setList] = useState(programme?.list_id ?? '');
  const [settings, setSettings] = useState(programme?.settings ?? FRESH);
  const [accepted, setAccepted] = useState(settings.accepted_words.join(', '));
  const set = <K extends keyof ProgrammeSettings>(key: K, value: ProgrammeSettings[K]) =>
    setSettings({ ...settings, [key]: value });
  const senderId = sender === '' ? (numbers[0]?.id ?? '') : sender;

  const save = async () => {
    const words = accepted.split(',').map((word) => word.trim());
    const input: ProgrammeInput = {
      sender_id: senderId,
      name,
      opt_in: optIn,
      covers,
      list_id: list === '' ? null : list,
      settings: { ...settings, accepted_words: words.filter((word) => word !== '') },
    };
    if (programme === null) await createProgramme(input);
    else await changeProgramme(programme.id, { ...input, version: programme.version });
    onSaved();
    notify.done('Programme saved');
  };

  const text = (key: keyof ProgrammeSettings, label: string, description?: string) => (
    <TextArea
      label={label}
      {...(description === undefined ? {} : { description })}
      value={String(settings[key])}
      onChange={(event) => set(key, event.currentTarget.value as never)}
      rows={2}
      autosize
    />
  );

  return (
    <FormDialog
      title={programme === null ? 'Add programme' : `Change ${programme.name}`}
      saveLabel="Save"
      onSave={save}
      onClose={onClose}
      testId="programme-save"
    >
      <div className={css.two}>
        <TextField
          label="Name"
          description="People read it in the texts."
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          required
          withAsterisk={false}
          data-autofocus
          data-testid="programme-name"
        />
        <SelectField
          label="Number"
          description="Texts to it join; its texts welcome."
          value={senderId}
          onChange={(event) => setSender(event.currentTarget.value)}
          data={numbers.map((each) => ({ value: each.id, label: each.label }))}
        />
        <SelectField
          label="Opt-in"
          value={optIn}
          onChange={(event) => setOptIn(event.currentTarget.value as Programme['opt_in'])}
          data={Object.entries(OPT_INS).map(([value, label]) => ({ value, label }))}
          data-testid="programme-opt-in"
        />
        <SelectField
          label="Joining consents to"
          description={
            programme !== null && (optIn !== programme.opt_in || covers !== programme.covers)
              ? 'Opt-ins that wait for an answer end, as they were asked something else.'
              : undefined
          }
          value={covers}
          onChange={(event) => setCovers(event.currentTarget.value as Programme['covers'])}
          data={[
            { value: 'all_marketing', label: 'All our marketing by SMS' },
            { value: 'programme', label: 'This programme only' },
          ]}
        />
        <SelectField
          label="Put people on the list"
          value={list}
          onChange={(event) => setList(event.currentTarget.value)}
          data={[
            { value: '', label: 'No list' },
            ...lists.map((each) => ({ value: each.id, label: each.name })),
          ]}
        />
        {optIn !== 'single' && (
          <TextField
            label="Hours to answer"
            value={String(settings.pending_hours)}
            onChange={(event) => set('pending_hours', Number(event.currentTarget.value) || 0)}
            inputMode="numeric"
          />
        )}
      </div>
      {optIn === 'double' && (
        <>
          {text('ask_text', 'Question', '{brand} and {programme} are filled in.')}
          <TextField
            label="Answers that confirm"
            description="Apart by commas; case and accents do not matter."
            value={accepted}
            onChange={(event) => setAccepted(event.currentTarget.value)}
          />
          {text('declined_text', 'Answer to a no', 'Empty sends nothing.')}
        </>
      )}
      {optIn === 'age_gated' && (
        <>
          {text('birth_date_question', 'Question for the birth date', '{age} is the minimum age.')}
          <div className={css.two}>
            <TextField
              label="Minimum age"
              value={String(settings.minimum_age)}
              onChange={(event) => set('minimum_age', Number(event.currentTarget.value) || 0)}
              inputMode="numeric"
            />
            <fieldset className={css.choices}>
              <legend>Dates may be written</legend>
              {DATE_FORMATS.map((format) => (
                <CheckField
                  key={format.value}
                  label={format.label}
                  checked={settings.date_formats.includes(format.value)}
                  onChange={(event) =>
                    set(
                      'date_formats',
                      event.currentTarget.checked
                        ? [...settings.date_formats, format.value]
                        : settings.date_formats.filter((each) => each !== format.value),
                    )
                  }
                />
              ))}
            </fieldset>
          </div>
          {text('too_young_text', 'Answer to those who are too young')}
          {text('retry_text', 'When no date can be read')}
        </>
      )}
      <div className={css.two}>
        {PERIODS.map(({ value, label }) => (
          <TextField
            key={value}
            label={label}
            description="Most campaign messages in its name to one person; empty: no cap."
            type="number"
            min={1}
            max={100}
            value={settings.caps.find((cap) => cap.period === value)?.messages ?? ''}
            onChange={(event) => {
              const messages = event.currentTarget.value;
              const others = settings.caps.filter((cap) => cap.period !== value);
              set(
                'caps',
                messages === ''
                  ? others
                  : [...others, { period: value, messages: Number(messages) }],
              );
            }}
            data-testid={`programme-cap-${value}`}
          />
        ))}
      </div>
      {text('welcome_text', 'Welcome', 'Must say how to end it: STOP.')}
      {text('already_text', 'When somebody joins again', 'Empty sends nothing.')}
    </FormDialog>
  );
}
