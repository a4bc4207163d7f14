import type { ReactNode } from 'react';
import { Mark } from '@/ui';
import css from './auth.module.css';

const STEPS = [
  ['A text with a link', 'goes to everyone who agreed to get it'],
  ['One tap', 'and the customer is in a chat with you'],
  ['A bot asks, an agent helps', 'in one conversation, with the whole story beside it'],
  ['You see what it brought', 'from the text to the sale'],
] as const;

/** Form on the left, what the product does on the right. */
export function AuthFrame({
  title,
  lead,
  children,
}: {
  title: string;
  lead: string;
  children: ReactNode;
}) {
  return (
    <main className={css.frame}>
      <div className={css.side}>
        <div className={css.brand}>
          <Mark size={32} />
          <span>Segue</span>
        </div>
        <div className={css.form}>
          <h1>{title}</h1>
          <p className={css.lead}>{lead}</p>
          {children}
        </div>
      </div>
      <aside className={css.story} aria-label="What Segue does">
        <ol className={css.steps}>
          {STEPS.map(([head, text]) => (
            <li key={head}>
              <strong>{head}</strong>
              <span>{text}</span>
            </li>
          ))}
        </ol>
      </aside>
    </main>
  );
}
