import { keyLabels, setSingleKeys, useCommands, useKeySettings } from '@/lib/hotkeys';
import { CheckField, Dialog, Keys } from '@/ui';
import css from './palette.module.css';

const WRITING = [
  { label: 'Send', keys: ['↵'] },
  { label: 'New line', keys: ['Shift', '↵'] },
  { label: 'Quick replies', keys: ['/'] },
  { label: 'Leave the field', keys: ['Esc'] },
];

/** The keys that work right now, by group. */
export function ShortcutSheet({ onClose }: { onClose: () => void }) {
  const commands = useCommands((state) => state.commands);
  const singleKeys = useKeySettings((state) => state.singleKeys);
  const withKeys = Object.values(commands).filter((command) => command.keys !== undefined);
  const groups = [...new Set(withKeys.map((command) => command.group))];
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose} size="lg" closeOnClickOutside>
      <div className={css.sheet}>
        {groups.map((group) => (
          <section key={group}>
            <h3>{group}</h3>
            <ul>
              {withKeys
                .filter((command) => command.group === group)
                .map((command) => (
                  <li key={command.id}>
                    {command.label}
                    <Keys keys={keyLabels(command.keys ?? '')} />
                  </li>
                ))}
            </ul>
          </section>
        ))}
        <section>
          <h3>While writing</h3>
          <ul>
            {WRITING.map((each) => (
              <li key={each.label}>
                {each.label}
                <Keys keys={each.keys} />
              </li>
            ))}
          </ul>
        </section>
      </div>
      <div className={css.switch}>
        <CheckField
          label="Use shortcuts of a single key"
          description="Switch this off if you dictate text or press keys by accident."
          checked={singleKeys}
          onChange={(event) => setSingleKeys(event.currentTarget.checked ? 'on' : 'off')}
        />
      </div>
    </Dialog>
  );
}
