import { IconCheck } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { SetupStatus } from '@/api/types';
import { Card, ProgressBar } from '@/ui';
import css from './setup.module.css';

/** Where each step of the checklist is done. Steps this version does not know have no link. */
function placeOf(key: string): string | null {
  const rules: [RegExp, string][] = [
    [/campaign/, '/campaigns'],
    [/contact|import|consent/, '/contacts'],
    [/sender/, '/setup/senders'],
    [/queue/, '/setup/queues'],
    [/flow|bot/, '/setup/flows'],
    [/agent|user/, '/setup/users'],
    [/channel|webhook|template|greeting/, '/setup/channels'],
  ];
  return rules.find(([pattern]) => pattern.test(key))?.[1] ?? null;
}

export function OverviewSection({ setup }: { setup: SetupStatus }) {
  const done = setup.checklist.filter((item) => item.done).length;
  const next = setup.checklist.find((item) => !item.done)?.key;
  return (
    <Card
      title={next === undefined ? 'Everything is set up' : 'Get ready for the first campaign'}
      description={`${done} of ${setup.checklist.length} steps are done. Each ticks itself off when it works.`}
    >
      <ProgressBar value={done} max={setup.checklist.length} label="Steps done" />
      <ol className={css.checklist}>
        {setup.checklist.map((item) => {
          const place = placeOf(item.key);
          return (
            <li
              key={item.key}
              data-done={item.done ? 'yes' : 'no'}
              data-testid={`check-${item.key}`}
            >
              <span className={css.tick} aria-hidden="true">
                {item.done && <IconCheck size={14} stroke={3} />}
              </span>
              <div>
                <strong>
                  {item.label}
                  <span className="sr-only">{item.done ? ' (done)' : ' (open)'}</span>
                </strong>
                {!item.done && <p>{item.hint}</p>}
              </div>
              {item.key === next && place !== null && <Link to={place}>Do it now</Link>}
            </li>
          );
        })}
      </ol>
    </Card>
  );
}
