import type { ClickFigures } from '@/api/link-types';
import { formatDateTime } from '@/lib/time';
import css from './links.module.css';

/** Stretches shown at most; the newest ones. */
const SHOWN = 48;

/** Clicks over time: raw as the whole bar, people's and confirmed ones within it. */
export function ClickChart({ figures }: { figures: ClickFigures }) {
  const shown = figures.over_time.slice(-SHOWN);
  const most = Math.max(1, ...shown.map((each) => Math.max(each.raw, each.confirmed)));
  const share = (count: number) => `${(count / most) * 100}%`;
  return (
    <section className={css.chart}>
      <h3>Taps by hour</h3>
      <ol aria-label="Taps by hour">
        {shown.map((each) => (
          <li
            key={each.at}
            title={`${formatDateTime(each.at)}: ${each.raw} in all, ${each.filtered} by people, ${each.confirmed} chats opened`}
          >
            <span className={css.raw} style={{ height: share(each.raw) }} />
            <span className={css.filtered} style={{ height: share(each.filtered) }} />
            <span className={css.confirmed} style={{ height: share(each.confirmed) }} />
            <span className={css.hidden}>
              {formatDateTime(each.at)}: {each.raw} in all, {each.filtered} by people,{' '}
              {each.confirmed} chats opened
            </span>
          </li>
        ))}
      </ol>
      <p className={css.legend}>
        <span data-kind="raw">in all</span>
        <span data-kind="filtered">by people</span>
        <span data-kind="confirmed">confirmed: the chat was opened</span>
      </p>
    </section>
  );
}
