import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState, type KeyboardEvent } from 'react';
import { formatPhone } from '@/lib/phone';
import { keyLabels, useCommands, type Command } from '@/lib/hotkeys';
import { matches, useLive } from '@/live';
import { Dialog, Keys } from '@/ui';
import css from './palette.module.css';

const MAX_SESSIONS = 6;

/** Everything that can be done here, and every open conversation, behind one field. */
export function CommandPalette({ onClose }: { onClose: () => void }) {
  const [search, setSearch] = useState('');
  const [active, setActive] = useState(0);
  const commands = useCommands((state) => state.commands);
  const sessions = useLive((state) => state.sessions);
  const navigate = useNavigate();

  const entries = useMemo(() => {
    const words = search.trim().toLowerCase();
    const fitting = Object.values(commands).filter(
      (command) =>
        command.id !== 'palette' &&
        `${command.label} ${command.group}`.toLowerCase().includes(words),
    );
    const people: Command[] =
      words === ''
        ? []
        : Object.values(sessions)
            .filter((session) => matches(session, words))
            .slice(0, MAX_SESSIONS)
            .map((session) => ({
              id: session.id,
              label: [session.customer.name, formatPhone(session.customer.phone)].join('  '),
              group: 'Conversations',
              run: () =>
                void navigate({ to: '/inbox/$sessionId', params: { sessionId: session.id } }),
            }));
    const all = [...people, ...fitting];
    // Groups stay together in the order of their first entry.
    const order = [...new Set(all.map((entry) => entry.group))];
    return order.flatMap((group) => all.filter((entry) => entry.group === group));
  }, [commands, sessions, search, navigate]);

  const run = (command: Command | undefined) => {
    if (command === undefined) return;
    onClose();
    // The dialog gives the focus back first; the command may then move it.
    setTimeout(() => command.run(), 0);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const last = entries.length - 1;
    if (event.key === 'ArrowDown') setActive(active >= last ? 0 : active + 1);
    else if (event.key === 'ArrowUp') setActive(active <= 0 ? last : active - 1);
    else if (event.key === 'Enter') run(entries[active]);
    else return;
    event.preventDefault();
  };

  return (
    <Dialog title="Search and commands" onClose={onClose} closeOnClickOutside testId="palette">
      <input
        className={css.field}
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={entries[active] === undefined ? undefined : `palette-${active}`}
        aria-label="What do you want to do?"
        placeholder="What do you want to do?"
        value={search}
        autoFocus
        data-autofocus
        onChange={(event) => {
          setSearch(event.target.value);
          setActive(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul className={css.list} id="palette-list" role="listbox" aria-label="Results">
        {entries.map((entry, index) => (
          <li
            key={entry.id}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === active}
            className={css.entry}
            data-first={entries[index - 1]?.group === entry.group ? 'no' : 'yes'}
            ref={
              index === active ? (node) => node?.scrollIntoView({ block: 'nearest' }) : undefined
            }
            onPointerMove={() => setActive(index)}
            onClick={() => run(entry)}
          >
            <span>{entry.label}</span>
            <span className={css.group}>{entry.group}</span>
            {entry.keys !== undefined && <Keys keys={keyLabels(entry.keys)} />}
          </li>
        ))}
      </ul>
      {entries.length === 0 && <p className={css.none}>Nothing matches “{search}”.</p>}
    </Dialog>
  );
}
