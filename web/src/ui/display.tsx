import type { ReactNode } from 'react';
import { initials } from '@/lib/phone';
import css from './css/display.module.css';

export type Tone = 'neutral' | 'good' | 'warn' | 'bad' | 'info' | 'accent';

/** A state in a word; the dot repeats the tone, the word carries the meaning. */
export function Tag({
  tone = 'neutral',
  dot,
  children,
}: {
  tone?: Tone;
  dot?: 'dot';
  children: ReactNode;
}) {
  return (
    <span className={css.tag} data-tone={tone}>
      {dot !== undefined && <span className={css.dot} aria-hidden="true" />}
      {children}
    </span>
  );
}

function hue(name: string): number {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + character.charCodeAt(0)) % 6;
  return sum;
}

export function Avatar({ name, size = 36 }: { name: string; size?: 24 | 28 | 36 | 44 }) {
  return (
    <span
      className={css.avatar}
      data-hue={hue(name)}
      data-size={size}
      data-initials={initials(name) || '#'}
      aria-hidden="true"
    />
  );
}

/** Says what is missing and offers the one next action. */
export function EmptyState(props: {
  icon?: ReactNode;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className={css.empty}>
      {props.icon !== undefined && (
        <div className={css.emptyIcon} aria-hidden="true">
          {props.icon}
        </div>
      )}
      <p className={css.emptyTitle}>{props.title}</p>
      {props.children !== undefined && <div className={css.emptyText}>{props.children}</div>}
      {props.action !== undefined && <div className={css.emptyAction}>{props.action}</div>}
    </div>
  );
}

export function Notice(props: {
  tone?: 'info' | 'warn' | 'bad' | 'good';
  title?: string;
  children?: ReactNode;
  action?: ReactNode;
  live?: 'alert' | 'status';
}) {
  return (
    <div className={css.notice} data-tone={props.tone ?? 'info'} role={props.live}>
      <div className={css.noticeBody}>
        {props.title !== undefined && <p className={css.noticeTitle}>{props.title}</p>}
        {props.children !== undefined && <div>{props.children}</div>}
      </div>
      {props.action}
    </div>
  );
}

/** A grey block of the size of what is coming, so that nothing jumps. */
export function Skeleton({ width = '100%', height = 14 }: { width?: string; height?: number }) {
  return <span className={css.skeleton} style={{ width, height }} aria-hidden="true" />;
}

export function SkeletonRows({ rows = 5, height = 44 }: { rows?: number; height?: number }) {
  return (
    <div className={css.skeletonRows} role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} height={height} />
      ))}
    </div>
  );
}

export function Keys({ keys }: { keys: string[] }) {
  return (
    <span className={css.keys}>
      {keys.map((key, index) => (
        <kbd key={index} className={css.key}>
          {key}
        </kbd>
      ))}
    </span>
  );
}

export function ProgressBar({ value, max, label }: { value: number; max: number; label: string }) {
  const share = max > 0 ? Math.min(1, value / max) : 0;
  return (
    <div
      className={css.progress}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={max}
      aria-valuenow={value}
    >
      <span style={{ width: `${share * 100}%` }} />
    </div>
  );
}

export function Mark({ size = 32 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" fill="#0b6459" />
      <path
        d="M21.5 10.2c-1.2-1.4-3.1-2.2-5.4-2.2-3.4 0-5.8 1.7-5.8 4.3 0 5.6 8.9 2.8 8.9 6.6 0 1.4-1.4 2.2-3.3 2.2-2.1 0-3.8-.9-4.9-2.5"
        fill="none"
        stroke="#fff"
        strokeWidth="2.8"
        strokeLinecap="round"
      />
      <circle cx="22.6" cy="22.4" r="2.1" fill="#7fe0cf" />
    </svg>
  );
}
