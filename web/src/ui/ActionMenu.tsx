import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import css from './css/menu.module.css';

export interface MenuEntry {
  id: string;
  label: string;
  icon?: ReactNode;
  onSelect: () => void;
  testId?: string;
}

interface ActionMenuProps {
  /** Accessible name of the button that opens the menu. */
  label: string;
  trigger: ReactNode;
  triggerClass?: string;
  triggerTestId?: string;
  header?: ReactNode;
  entries: MenuEntry[];
}

const NEEDED_PX = 340;

/** A button with a menu that opens upwards, or downwards where there is no room: arrow keys move, Escape and a click elsewhere close. */
export function ActionMenu(props: ActionMenuProps) {
  const [open, setOpen] = useState(false);
  const [side, setSide] = useState<'up' | 'down'>('up');
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();

  useEffect(() => {
    if (!open) return;
    box.current?.querySelector<HTMLElement>('[role="menuitem"]')?.focus();
    const onPointerDown = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener('pointerdown', onPointerDown);
    return () => document.removeEventListener('pointerdown', onPointerDown);
  }, [open]);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const items = [...(box.current?.querySelectorAll<HTMLElement>('[role="menuitem"]') ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    if (event.key === 'Escape') close();
    else if (event.key === 'Tab') setOpen(false);
    else if (event.key === 'ArrowDown') items[(at + 1) % items.length]?.focus();
    else if (event.key === 'ArrowUp') items[(at - 1 + items.length) % items.length]?.focus();
    else return;
    if (event.key !== 'Tab') event.preventDefault();
  };

  return (
    <div className={css.box} ref={box}>
      <button
        ref={button}
        type="button"
        className={props.triggerClass}
        aria-label={props.label}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        data-testid={props.triggerTestId}
        onClick={(event) => {
          // Near the top of the page there is no room above.
          const { top } = event.currentTarget.getBoundingClientRect();
          setSide(top < NEEDED_PX ? 'down' : 'up');
          setOpen(!open);
        }}
      >
        {props.trigger}
      </button>
      {open && (
        <div className={css.menu} data-side={side}>
          {props.header !== undefined && <div className={css.header}>{props.header}</div>}
          <div role="menu" id={id} aria-label={props.label} onKeyDown={onKeyDown} tabIndex={-1}>
            {props.entries.map((entry) => (
              <button
                key={entry.id}
                type="button"
                role="menuitem"
                tabIndex={-1}
                className={css.entry}
                data-testid={entry.testId}
                onClick={() => {
                  close();
                  entry.onSelect();
                }}
              >
                {entry.icon}
                {entry.label}
              </button>
            ))}
          </div>
        </div>
      )}
    </div>
  );
}
