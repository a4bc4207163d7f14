import type { HTMLAttributes, ReactNode } from 'react';
import css from './css/layout.module.css';

interface PageProps {
  title: string;
  subtitle?: ReactNode;
  actions?: ReactNode;
  back?: ReactNode;
  width?: 'wide' | 'narrow';
  children: ReactNode;
}

/** Frame of every page but the inbox: heading, actions, scrolling content. */
export function Page({ title, subtitle, actions, back, width = 'wide', children }: PageProps) {
  return (
    <main className={css.page} id="main">
      <div className={css.column} data-width={width}>
        {back !== undefined && <div className={css.back}>{back}</div>}
        <header className={css.header}>
          <div className={css.headings}>
            <h1 className={css.title}>{title}</h1>
            {subtitle !== undefined && <div className={css.subtitle}>{subtitle}</div>}
          </div>
          {actions !== undefined && <div className={css.actions}>{actions}</div>}
        </header>
        {children}
      </div>
    </main>
  );
}

interface CardProps extends Omit<HTMLAttributes<HTMLElement>, 'title'> {
  title?: ReactNode;
  description?: ReactNode;
  aside?: ReactNode;
  padding?: 'normal' | 'none';
}

export function Card(props: CardProps) {
  const { title, description, aside, padding = 'normal', children, className, ...rest } = props;
  return (
    <section className={`${css.card} ${className ?? ''}`} data-padding={padding} {...rest}>
      {(title !== undefined || aside !== undefined) && (
        <div className={css.cardHeader}>
          <div>
            {title !== undefined && <h2 className={css.cardTitle}>{title}</h2>}
            {description !== undefined && <p className={css.cardText}>{description}</p>}
          </div>
          {aside}
        </div>
      )}
      {children}
    </section>
  );
}

export function Stack({ gap = 16, children }: { gap?: 4 | 8 | 12 | 16 | 24; children: ReactNode }) {
  return (
    <div className={css.stack} data-gap={gap}>
      {children}
    </div>
  );
}

export function Row({
  children,
  align = 'center',
}: {
  children: ReactNode;
  align?: 'center' | 'end';
}) {
  return (
    <div className={css.row} data-align={align}>
      {children}
    </div>
  );
}

/** Label and value pairs. */
export function Facts({
  items,
}: {
  /** A hint says what the label means. */
  items: { label: string; value: ReactNode; hint?: string; testId?: string }[];
}) {
  return (
    <dl className={css.facts}>
      {items.map((item) => (
        <div key={item.label} className={css.fact}>
          <dt>
            {item.label}
            {item.hint !== undefined && <small>{item.hint}</small>}
          </dt>
          <dd data-testid={item.testId}>{item.value}</dd>
        </div>
      ))}
    </dl>
  );
}
