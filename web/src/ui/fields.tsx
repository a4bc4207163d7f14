import type { TextInputProps } from '@mantine/core';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { instant, localTime } from '@/lib/local-time';
import { TextField } from './controls';

type Plain = Omit<TextInputProps, 'type' | 'value' | 'defaultValue' | 'onChange' | 'error'>;

interface NumberFieldProps extends Plain {
  value: number;
  onNumber: (value: number) => void;
  min: number;
  max?: number;
}

/** A number that there always is: while the field is empty or below the least the one before counts, and is back afterwards. */
export function NumberField({ value, onNumber, min, max, onBlur, ...rest }: NumberFieldProps) {
  const [half, setHalf] = useState<string | null>(null);
  return (
    <TextField
      {...rest}
      type="number"
      min={min}
      {...(max === undefined ? {} : { max })}
      value={half ?? value}
      onChange={(event) => {
        const text = event.currentTarget.value;
        const number = Number.parseInt(text, 10);
        const isHalf = Number.isNaN(number) || number < min;
        setHalf(isHalf ? text : null);
        if (!isHalf) onNumber(max === undefined ? number : Math.min(max, number));
      }}
      onBlur={(event) => {
        setHalf(null);
        onBlur?.(event);
      }}
    />
  );
}

/** Whether a field has a whole date, or none, to go on with. */
export type Typed = 'whole' | 'half';

const HALF_DATE = 'This is no whole date yet. Complete it, or empty the field.';

interface DateFieldProps extends Plain {
  type: 'date' | 'datetime-local';
  value: string;
  /** Told a whole date, or an empty text for none. */
  onDate: (value: string) => void;
  /** Told when a date is half typed, so that nothing is saved without it, and when it is whole again. */
  onTyped?: (typed: Typed) => void;
}

/** A date that may be left out. Half a date is no wish to have none: it stays in the field, and the one before counts. */
export function DateField({ value, onDate, onTyped, onBlur, onKeyUp, ...rest }: DateFieldProps) {
  const [typed, setTyped] = useState<Typed>('whole');
  const telling = useRef(onTyped);
  useLayoutEffect(() => {
    telling.current = onTyped;
  }, [onTyped]);
  // A field that is gone holds nothing back.
  useEffect(() => () => telling.current?.('whole'), []);
  const put = (next: Typed) => {
    if (next === typed) return;
    setTyped(next);
    onTyped?.(next);
  };
  // From one empty text to another browsers tell nothing: half a date in an empty field, or its rest taken away.
  const look = ({ value: text, validity }: HTMLInputElement) => {
    if (text !== '') return;
    if (validity.badInput) put('half');
    else if (typed === 'half') {
      put('whole');
      onDate('');
    }
  };
  return (
    <TextField
      {...rest}
      // Browsers give an empty text for half a date; to write another one would take away what was typed.
      value={typed === 'half' ? '' : value}
      error={typed === 'half' ? HALF_DATE : null}
      onChange={(event) => {
        const { value: next, validity } = event.currentTarget;
        put(validity.badInput ? 'half' : 'whole');
        if (!validity.badInput) onDate(next);
      }}
      onKeyUp={(event) => {
        look(event.currentTarget);
        onKeyUp?.(event);
      }}
      onBlur={(event) => {
        // What counts is shown again; where there is nothing, what was typed stays with what is wrong with it.
        if (value !== '' && event.currentTarget.validity.badInput) put('whole');
        else look(event.currentTarget);
        onBlur?.(event);
      }}
    />
  );
}

interface MomentFieldProps extends Omit<DateFieldProps, 'type' | 'value' | 'onDate'> {
  /** The moment, as the server writes it. */
  value: string | null;
  onMoment: (value: string | null) => void;
}

/**
 * A moment by the clock of this computer. What was typed stays as it is while it says this moment: read back from it,
 * the minutes would be others in years of which clocks went otherwise, such as the year 202 on the way to 2027.
 */
export function MomentField({ value, onMoment, ...rest }: MomentFieldProps) {
  const [text, setText] = useState('');
  const at = (time: string | null) => (time === null ? null : Date.parse(time));
  return (
    <DateField
      {...rest}
      type="datetime-local"
      value={at(instant(text)) === at(value) ? text : localTime(value)}
      onDate={(next) => {
        setText(next);
        onMoment(instant(next));
      }}
    />
  );
}
