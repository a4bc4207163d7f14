import type { ReactNode } from 'react';
import css from './customer.module.css';

export function PanelSection(props: {
  title: string;
  aside?: ReactNode;
  testId?: string;
  children: ReactNode;
}) {
  return (
    <section className={css.section} data-testid={props.testId}>
      <div className={css.sectionHead}>
        <h3>{props.title}</h3>
        {props.aside}
      </div>
      {props.children}
    </section>
  );
}
