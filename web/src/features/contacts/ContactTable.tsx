import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, type KeyboardEvent } from 'react';
import type { Contact } from '@/api/types';
import { CheckField } from '@/ui';
import { NAME_COLUMN, type ContactColumn } from './columns';
import css from './grid.module.css';

const ROW_HEIGHT = 58;

interface ContactTableProps {
  contacts: Contact[];
  columns: ContactColumn[];
  selected: ReadonlySet<string>;
  onSelect: (ids: Set<string>) => void;
  onOpen: (contact: Contact) => void;
  /** Called when the end is near. */
  onEnd: () => void;
}

/** A table of any length: only the rows in sight are there. */
export function ContactTable(props: ContactTableProps) {
  const { contacts, columns, selected, onSelect, onOpen, onEnd } = props;
  const box = useRef<HTMLDivElement>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- the compiler is not used
  const virtualizer = useVirtualizer({
    count: contacts.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
  });
  const rows = virtualizer.getVirtualItems();
  const last = rows.at(-1)?.index ?? 0;
  useEffect(() => {
    if (contacts.length > 0 && last >= contacts.length - 20) onEnd();
  }, [last, contacts.length, onEnd]);
  const shown = [NAME_COLUMN, ...columns];
  const before = rows[0]?.start ?? 0;
  const after = virtualizer.getTotalSize() - (rows.at(-1)?.end ?? 0);
  const toggle = (id: string) => {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    onSelect(next);
  };
  const all = contacts.length > 0 && contacts.every((contact) => selected.has(contact.id));
  return (
    <div className={css.grid} ref={box} tabIndex={0} role="region" aria-label="Contacts">
      <table className={css.gridTable} aria-rowcount={contacts.length}>
        <thead>
          <tr>
            <th className={css.check}>
              <CheckField
                aria-label="Select all that are shown"
                checked={all}
                onChange={() =>
                  onSelect(all ? new Set() : new Set(contacts.map((contact) => contact.id)))
                }
              />
            </th>
            {shown.map((column) => (
              <th key={column.key} scope="col" data-priority={column.priority}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && (
            <tr aria-hidden="true">
              <td colSpan={shown.length + 1} style={{ height: before, padding: 0 }} />
            </tr>
          )}
          {rows.map((row) => {
            const contact = contacts[row.index];
            if (contact === undefined) return null;
            return (
              <tr
                key={contact.id}
                data-testid="contact-row"
                data-selected={selected.has(contact.id) ? 'yes' : undefined}
                aria-rowindex={row.index + 2}
                className={css.gridRow}
                style={{ height: ROW_HEIGHT }}
                tabIndex={0}
                onClick={() => onOpen(contact)}
                onKeyDown={(event: KeyboardEvent) => {
                  if (event.target !== event.currentTarget) return;
                  if (event.key === 'Enter') onOpen(contact);
                  if (event.key === ' ') {
                    event.preventDefault();
                    toggle(contact.id);
                  }
                }}
              >
                <td className={css.check} onClick={(event) => event.stopPropagation()}>
                  <CheckField
                    aria-label="Select"
                    checked={selected.has(contact.id)}
                    onChange={() => toggle(contact.id)}
                    data-testid="contact-select"
                  />
                </td>
                {shown.map((column) => (
                  <td key={column.key} data-priority={column.priority}>
                    {column.render(contact)}
                  </td>
                ))}
              </tr>
            );
          })}
          {after > 0 && (
            <tr aria-hidden="true">
              <td colSpan={shown.length + 1} style={{ height: after, padding: 0 }} />
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}
