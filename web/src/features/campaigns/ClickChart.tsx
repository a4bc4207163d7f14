import type { ClickFigures } from '@/api/link-types';
import { formatDateTime } from '@/lib/time';
import css from './links.module.css';

/** Stretches shown at most; the newest ones. */
const SHOWN = 48;

/** The newest stretches, also those in which nothing was tapped: side by side they would look like one run. */
function newest({ over_time: known, width }: ClickFigures): ClickFigures['over_time'] {
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) return [];
  const found = new Map(known.map((each) => [Date.parse(each.at), each]));
  const end = Date.parse(last.at);
  const begin = Math.max(Date.parse(first.at), end - (SHOWN - 1) * width);
  return Array.from({ length: Math.floor((end - begin) / width) + 1 }, (_, index) => {
    const at = begin + index * width;
    return found.get(at) ?? { at: new Date(at).toISOString(), raw: 0, filtered: 0, confirmed: 0 };
  });
}

/** Clicks over time: raw as the whole bar, people's and confirmed ones within it. */
export function ClickChart({ figures }: { figures: ClickFigures }) {
  const shown = newest(figures);
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
