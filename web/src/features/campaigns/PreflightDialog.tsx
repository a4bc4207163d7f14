import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useState } from 'react';
import { keys } from '@/api/query-keys';
import type { Campaign, Preflight } from '@/api/types';
import { counted } from '@/lib/counted';
import { Button, Dialog, DialogActions, Failure, Notice, notify, SkeletonRows, Stack } from '@/ui';
import { actOnCampaign, checkCampaign, fetchCampaignSettings, startCampaign } from './api';
import css from './editor.module.css';
import { bytesWords } from './media';
import { listMoney, money } from './money';
import { Markets } from './TemplateStatus';
import { Findings } from './TextChecks';

interface PreflightDialogProps {
  campaign: Campaign;
  sender: string;
  /** Saves what was typed last; when that fails, nothing is checked or started. */
  before: () => Promise<void>;
  onClose: () => void;
}

function duration(seconds: number): string {
  if (seconds < 60) return 'under a minute';
  if (seconds < 90) return 'about a minute';
  if (seconds < 5_400) return `about ${Math.round(seconds / 60)} minutes`;
  return `about ${(seconds / 3_600).toFixed(1)} hours`;
}

/** Everything to know before the start, over the real audience; the start is held to what is shown. */
export function PreflightDialog({ campaign, sender, before, onClose }: PreflightDialogProps) {
  const cache = useQueryClient();
  const [saved, setSaved] = useState(false);
  const [busy, setBusy] = useState(false);
  const [unsaved, setUnsaved] = useState<{ error: unknown } | null>(null);
  const save = useCallback(
    () =>
      before().then(
        () => {
          setUnsaved(null);
          setSaved(true);
        },
        (error: unknown) => setUnsaved({ error }),
      ),
    [before],
  );
  useEffect(() => void save(), [save]);
  const check = useQuery({
    queryKey: keys.preflight(campaign.id, String(campaign.version)),
    queryFn: () => checkCampaign(campaign.id),
    enabled: saved,
    gcTime: 0,
  });
  const settings = useQuery({
    queryKey: keys.campaignSettings,
    queryFn: ({ signal }) => fetchCampaignSettings(signal),
  });
  const needsApproval = settings.data?.approval === 'second_person';
  const later = campaign.schedule.starts_at !== null;
  const { data } = check;
  const isNobody = data?.sendable === 0;

  const go = async () => {
    if (data === undefined) return;
    setBusy(true);
    try {
      const next = needsApproval
        ? await actOnCampaign(campaign.id, 'submit')
        : await startCampaign(campaign.id, data.mark);
      cache.setQueryData(keys.campaign(campaign.id), next);
      void cache.invalidateQueries({ queryKey: keys.campaigns });
      notify.done(
        needsApproval
          ? 'Submitted for approval'
          : next.state === 'scheduled'
            ? 'Scheduled'
            : 'Campaign started',
      );
      onClose();
    } catch (error) {
      notify.failure(error);
      setBusy(false);
      void check.refetch();
    }
  };

  return (
    <Dialog title="Check before the start" onClose={onClose} size="xl">
      {settings.isError && (
        <Failure error={settings.error} onRetry={() => void settings.refetch()} />
      )}
      {unsaved !== null && <Failure error={unsaved.error} onRetry={() => void save()} />}
      {check.isError && <Failure error={check.error} onRetry={() => void check.refetch()} />}
      {unsaved === null && !check.isError && data === undefined && (
        <SkeletonRows rows={6} height={40} />
      )}
      {data !== undefined && (
        <Stack gap={16}>
          {data.warnings.map((warning) => (
            <Notice key={warning.kind} tone="warn">
              {warning.message}
            </Notice>
          ))}
          {isNobody && (
            <Notice tone="warn">
              {later
                ? 'Nobody is in it as things are now. Who gets it is found anew when it starts, so it can be scheduled.'
                : 'It cannot be started while nobody would get it. Change the audience, or give it a later start.'}
            </Notice>
          )}
          <Figures check={data} />
        </Stack>
      )}
      <DialogActions>
        <Button emphasis="secondary" onClick={onClose}>
          Keep as draft
        </Button>
        <Button
          loading={busy}
          disabled={data === undefined || settings.data === undefined || (isNobody && !later)}
          onClick={() => void go()}
          data-autofocus
          data-testid="confirm-start"
        >
          {needsApproval
            ? 'Submit for approval'
            : later
              ? isNobody
                ? 'Schedule it'
                : `Schedule for ${counted(data?.sendable ?? 0, 'person', 'people')}`
              : `Start and send to ${(data?.sendable ?? 0).toLocaleString()}`}
        </Button>
      </DialogActions>
      <p className={`${css.muted} ${css.under}`}>
        From {sender}. Everyone is checked again in the moment of sending. You can pause or cancel
        at any time.
      </p>
    </Dialog>
  );
}

function Figures({ check }: { check: Preflight }) {
  const { segments, cost, chats } = check;
  return (
    <div className={css.preflight} data-testid="preflight">
      <section>
        <h3>Who gets it</h3>
        <div className={css.figure} data-testid="preflight-sendable">
          {check.sendable.toLocaleString()}
        </div>
        <div className={css.muted}>of {check.audience.toLocaleString()} in the audience</div>
      </section>
      <section>
        <h3>Cost</h3>
        <div className={css.figure} data-testid="preflight-cost">
          {cost.max_thousandths === 0 && cost.unpriced.length > 0
            ? 'No prices'
            : cost.price_list === null
              ? money(cost.total, cost.currency)
              : listMoney(cost.total, cost.currency)}
        </div>
        <div className={css.muted}>
          {cost.price_list ??
            (check.files !== null ? (
              <span data-testid="preflight-mms">
                {check.sendable.toLocaleString()} MMS with{' '}
                {check.files.count === 1 ? 'one file' : `${check.files.count} files`},{' '}
                {bytesWords(check.files.bytes)}
              </span>
            ) : (
              <>
                {counted(segments.total, 'segment', 'segments')},{' '}
                {segments.min === segments.max
                  ? `${segments.typical} per text`
                  : `${segments.min} to ${segments.max} per text, mostly ${segments.typical}`}
              </>
            ))}
        </div>
      </section>
      {check.limit !== null && (
        <section data-testid="preflight-limit">
          <h3>Written to first</h3>
          <div className={css.figure}>{check.limit.wanted.toLocaleString()}</div>
          <div className={css.muted}>
            {check.limit.most === null
              ? 'No limit is known'
              : `${check.limit.used.toLocaleString()} of ${check.limit.most.toLocaleString()} in 24 hours used`}
            {check.limit.waiting > 0 && `; ${check.limit.waiting.toLocaleString()} have to wait`}
          </div>
        </section>
      )}
      {check.languages.length > 0 && (
        <section data-testid="preflight-languages">
          <h3>Languages</h3>
          {check.languages.map((each) => (
            <div key={each.language}>
              {each.language}: {each.messages.toLocaleString()}
            </div>
          ))}
        </section>
      )}
      {cost.markets.length > 0 && (
        <section className={css.wide} data-testid="preflight-markets">
          <h3>Cost by market</h3>
          <Markets markets={cost.markets} currency={cost.currency} />
        </section>
      )}
      <section>
        <h3>Takes</h3>
        <div className={css.figure}>{duration(check.seconds)}</div>
        <div className={css.muted}>under the limits of sender and campaign</div>
      </section>
      {chats !== null && (
        <section>
          <h3>Chats to expect</h3>
          <div className={css.figure}>
            {chats.low.toLocaleString()} to {chats.high.toLocaleString()}
          </div>
          <div className={css.muted}>
            {chats.learned_from === 0 ? 'As usual elsewhere. ' : 'As in your last campaigns. '}
            {chats.agents === 0
              ? 'No agent is available now.'
              : `${chats.agents} ${chats.agents === 1 ? 'agent is' : 'agents are'} available, with room for ${chats.capacity}.`}
          </div>
        </section>
      )}
      {cost.accounts.length > 1 && (
        <section className={css.wide} data-testid="preflight-accounts">
          <h3>Cost by account</h3>
          <ul className={css.why}>
            {cost.accounts.map((each) => (
              <li key={each.channel_id}>
                <span>
                  {each.name}
                  <small>
                    {counted(each.messages, 'text', 'texts')},{' '}
                    {counted(each.segments, 'segment', 'segments')}
                    {each.unpriced > 0 && `; ${each.unpriced.toLocaleString()} without a price`}
                  </small>
                </span>
                <strong>
                  {each.unpriced === each.messages ? 'no price' : money(each.total, cost.currency)}
                </strong>
              </li>
            ))}
          </ul>
        </section>
      )}
      {check.excluded.length + check.held.length > 0 && (
        <section className={css.wide}>
          <h3>Who does not get it, or later</h3>
          <ul className={css.why}>
            {[
              ...check.excluded,
              ...check.held.map((rule) => ({ ...rule, label: `Waits: ${rule.label}` })),
            ].map((rule) => (
              <li key={rule.label} data-testid={`preflight-${rule.rule}`}>
                <span>
                  {rule.label}
                  {rule.detail !== null && <small>{rule.detail}</small>}
                  <small>
                    {rule.sample
                      .map((person) => person.name ?? person.phone ?? 'Without name')
                      .join(', ')}
                    {rule.count > rule.sample.length && ' …'}
                  </small>
                </span>
                <strong>{rule.count.toLocaleString()}</strong>
              </li>
            ))}
          </ul>
        </section>
      )}
      {check.texts.some((text) => text.findings.length > 0) && (
        <section className={css.wide} data-testid="preflight-findings">
          <h3>What carriers may dislike</h3>
          {check.texts
            .filter((text) => text.findings.length > 0)
            .map((text) => (
              <div key={`${text.variant} ${text.locale}`}>
                {check.texts.length > 1 && (
                  <div className={css.muted}>
                    {text.variant}
                    {text.locale !== null && `, ${text.locale}`}:{' '}
                    {counted(text.messages, 'text', 'texts')}
                  </div>
                )}
                <Findings findings={text.findings} />
              </div>
            ))}
        </section>
      )}
      {check.variants.length > 1 && (
        <section className={css.wide}>
          <h3>Texts</h3>
          <ul className={css.why}>
            {check.variants.map((variant) => (
              <li key={variant.name}>
                <span>
                  {variant.name}
                  <small>{variant.sample}</small>
                </span>
                <strong>{variant.messages.toLocaleString()}</strong>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}
