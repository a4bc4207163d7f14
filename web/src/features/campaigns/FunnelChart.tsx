import type { Funnel } from '@/api/types';
import css from './funnel.module.css';
import { FUNNEL_STEPS, percent, TIERS } from './words';

/** Steps of one campaign as bars over a common base; each says its share of the step before. */
export function FunnelChart({ funnel }: { funnel: Funnel }) {
  const base = Math.max(1, funnel.planned);
  return (
    <>
      <ol className={css.funnel} aria-label="Funnel">
        {FUNNEL_STEPS.map((step, index) => {
          const value = funnel[step.key];
          const whole = FUNNEL_STEPS.find((each) => each.key === step.of);
          const share = whole === undefined ? null : percent(value, funnel[whole.key]);
          return (
            <li
              key={step.key}
              className={css.step}
              title={whole === undefined ? step.hint : `${step.hint} (share of “${whole.label}”)`}
            >
              <span className={css.label}>{step.label}</span>
              <span className={css.track} aria-hidden="true">
                <span
                  className={css.bar}
                  data-part={index < 3 ? 'sms' : index < 7 ? 'chat' : 'result'}
                  style={{ width: `${Math.max(value > 0 ? 0.6 : 0, (value / base) * 100)}%` }}
                />
              </span>
              <span className={css.value} data-testid={`funnel-${step.key}`} data-value={value}>
                {value.toLocaleString()}
              </span>
              <span className={css.share}>{share === null ? '' : share}</span>
            </li>
          );
        })}
      </ol>
      {funnel.chats_by_tier.length > 0 && (
        <p className={css.tiers} data-testid="funnel-tiers">
          How surely the chats came from here:{' '}
          {funnel.chats_by_tier
            .map(({ tier, count }) => `${TIERS[tier]} ${count.toLocaleString()}`)
            .join(', ')}
        </p>
      )}
    </>
  );
}
