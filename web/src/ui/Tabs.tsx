import css from './css/tabs.module.css';

interface TabsProps<T extends string> {
  label: string;
  value: T;
  onChange: (value: T) => void;
  items: { value: T; label: string; count?: number | string; testId?: string }[];
}

/** A row of choices of which one is shown; buttons, because the content below is not a tab panel. */
export function ChoiceTabs<T extends string>({ label, value, onChange, items }: TabsProps<T>) {
  return (
    <div className={css.tabs} role="group" aria-label={label}>
      {items.map((item) => (
        <button
          key={item.value}
          type="button"
          className={css.tab}
          aria-pressed={item.value === value}
          data-testid={item.testId}
          onClick={() => onChange(item.value)}
        >
          {item.label}
          {item.count !== undefined && <span className={css.count}>{item.count}</span>}
        </button>
      ))}
    </div>
  );
}
