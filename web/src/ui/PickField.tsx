import { useEffect, useId, useState, type KeyboardEvent } from 'react';
import { errorWords } from '@/api/errors';
import { announce } from './announcer';
import { TextField } from './controls';
import css from './css/pick.module.css';

/** What there is to choose from beyond what is here. */
export interface Rest {
  state: 'none' | 'more' | 'reading' | 'failed';
  /** Why it could not be read. */
  error: unknown;
  /** Reads the next part, or the one that could not be read once more. */
  read: () => void;
}

export interface PickGroup {
  label: string;
  items: { value: string; label: string }[];
}

interface PickFieldProps {
  label: string;
  placeholder: string;
  groups: PickGroup[];
  rest: Rest;
  /** Told what was chosen; the field is empty again then. */
  onPick: (value: string) => void;
  'data-testid'?: string;
}

/** So many of a group are shown at once; typing finds the others. */
const SHOWN = 50;

/** An entry that reads on in place of choosing something. */
const READ = 'read';

const fits = (label: string, words: string[]) =>
  words.every((word) => label.toLowerCase().includes(word));

/**
 * A field to add something by its name, which is found by typing. Nothing is chosen before Enter or a click: a native
 * list takes the next entry with each arrow key.
 */
export function PickField({ label, placeholder, groups, rest, onPick, ...test }: PickFieldProps) {
  const id = useId();
  const [text, setText] = useState('');
  const [open, setOpen] = useState(false);
  // By its value: what is read on meanwhile may come before it.
  const [chosen, setChosen] = useState<string | null>(null);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fitting = groups.map(({ label: group, items }) => ({
    group,
    items: items.filter((each) => fits(each.label, words)),
  }));
  const shown = fitting.flatMap(({ group, items }) =>
    items.slice(0, SHOWN).map((each) => ({ ...each, group })),
  );
  const hidden = fitting.reduce((sum, { items }) => sum + Math.max(0, items.length - SHOWN), 0);
  const reads = {
    more: words.length === 0 ? 'Show more' : null,
    failed: 'Try again',
    none: null,
    reading: null,
  }[rest.state];
  const entries: { value: string; label: string; group: string }[] = [
    ...shown,
    ...(reads === null ? [] : [{ value: READ, label: reads, group: '' }]),
  ];
  const place = entries.findIndex((each) => each.value === chosen);
  // The first that fits is known once all are here.
  const isFirst = words.length > 0 && shown.length > 0 && rest.state === 'none';
  const active = place < 0 && isFirst ? 0 : place;
  // What is typed is looked for in everything there is.
  const goesOn = open && words.length > 0 && rest.state === 'more';
  const { read } = rest;
  useEffect(() => {
    if (goesOn) read();
  }, [goesOn, read]);

  const close = () => {
    setOpen(false);
    setChosen(null);
  };
  const choose = (entry: (typeof entries)[number] | undefined) => {
    if (entry === undefined) return;
    if (entry.value === READ) return read();
    setText('');
    close();
    onPick(entry.value);
    announce(`${entry.label} added`);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const last = entries.length - 1;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (!open) setOpen(true);
      const next = event.key === 'ArrowDown' ? active + 1 : active - 1;
      setChosen(entries[next > last ? 0 : next < 0 ? last : next]?.value ?? null);
    } else if (event.key === 'Enter' && open) {
      choose(entries[active]);
    } else if (event.key === 'Escape' && open) {
      // It closes the list alone, not what the field stands in.
      event.stopPropagation();
      close();
    } else return;
    event.preventDefault();
  };

  const options = [...new Set(entries.map((each) => each.group))].map((group) => ({
    group,
    entries: entries
      .map((entry, at) => ({ ...entry, place: at }))
      .filter((entry) => entry.group === group),
  }));
  const state =
    rest.state === 'failed'
      ? errorWords(rest.error).message
      : rest.state === 'reading'
        ? 'Reading…'
        : hidden > 0
          ? `${hidden.toLocaleString()} more. Type a part of the name.`
          : shown.length > 0 || rest.state === 'more'
            ? null
            : words.length > 0
              ? `Nothing matches “${text.trim()}”.`
              : 'There is nothing to add.';
  const isShown = open && entries.length > 0;
  return (
    <div
      className={css.box}
      onBlur={(event) => {
        if (event.currentTarget.contains(event.relatedTarget)) return;
        // What is left in the field would look as if it were chosen.
        setText('');
        close();
      }}
    >
      <TextField
        label={label}
        placeholder={placeholder}
        value={text}
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={isShown}
        aria-controls={isShown ? id : undefined}
        aria-activedescendant={isShown && active >= 0 ? `${id}-${active}` : undefined}
        autoComplete="off"
        onClick={() => setOpen(true)}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setOpen(true);
          setChosen(null);
        }}
        onKeyDown={onKeyDown}
        {...test}
      />
      {open && (
        // The focus stays in the field.
        <div className={css.panel} onMouseDown={(event) => event.preventDefault()}>
          {isShown && (
            <div id={id} role="listbox" aria-label={label}>
              {options.map(({ group, entries: ofGroup }) => (
                <div key={group} role="group" aria-label={group === '' ? 'Further' : group}>
                  {group !== '' && (
                    <div className={css.group} aria-hidden="true">
                      {group}
                    </div>
                  )}
                  {ofGroup.map((entry) => (
                    <div
                      key={entry.value}
                      id={`${id}-${entry.place}`}
                      role="option"
                      aria-selected={entry.place === active}
                      className={css.option}
                      ref={
                        entry.place === active
                          ? (node) => node?.scrollIntoView?.({ block: 'nearest' })
                          : undefined
                      }
                      onPointerMove={() => setChosen(entry.value)}
                      onClick={() => choose(entry)}
                    >
                      {entry.label}
                    </div>
                  ))}
                </div>
              ))}
            </div>
          )}
          <div role="status" className={state === null ? undefined : css.state}>
            {state}
          </div>
        </div>
      )}
    </div>
  );
}
