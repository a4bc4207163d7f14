import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { Campaign, Funnel } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import {
  Button,
  Card,
  ConfirmDialog,
  EmptyState,
  Facts,
  Failure,
  notify,
  Page,
  SkeletonRows,
  Tag,
} from '@/ui';
import { actOnCampaign, fetchFunnel, type CampaignAction } from './api';
import css from './campaigns.module.css';
import { FunnelChart } from './FunnelChart';
import funnelCss from './funnel.module.css';
import { LinksCard } from './LinksCard';
import { RecipientTable } from './RecipientTable';
import { FOOTERS, STATES } from './words';

const ACTIONS: Record<
  'pause' | 'resume' | 'cancel',
  { title: string; confirm: string; text: string; done: string; emphasis: 'primary' | 'danger' }
> = {
  pause: {
    title: 'Pause this campaign?',
    confirm: 'Pause',
    text: 'Texts that are already with the carrier still arrive. All others wait until you resume.',
    done: 'Campaign paused',
    emphasis: 'primary',
  },
  resume: {
    title: 'Resume this campaign?',
    confirm: 'Resume',
    text: 'Sending goes on with everyone who has not got the text yet. Consent is checked again.',
    done: 'Campaign resumed',
    emphasis: 'primary',
  },
  cancel: {
    title: 'Cancel this campaign?',
    confirm: 'Cancel campaign',
    text: 'Whoever has not got the text will not get it. This cannot be undone; links that were sent keep working.',
    done: 'Campaign canceled',
    emphasis: 'danger',
  },
};

/** A campaign that was started: state, funnel, recipients. */
export function CampaignView({ campaign }: { campaign: Campaign }) {
  const cache = useQueryClient();
  const [asking, setAsking] = useState<'pause' | 'resume' | 'cancel' | null>(null);
  const alive = campaign.state === 'running' || campaign.state === 'planning';
  const funnel = useQuery({
    queryKey: keys.funnel(campaign.id),
    queryFn: ({ signal }) => fetchFunnel(campaign.id, signal),
    // Events say when to look again; this is for a missed one.
    refetchInterval: alive ? 10_000 : 60_000,
  });
  const act = async (action: CampaignAction, done: string) => {
    try {
      const next = await actOnCampaign(campaign.id, action);
      cache.setQueryData(keys.campaign(campaign.id), next);
      notify.done(done);
    } finally {
      void cache.invalidateQueries({ queryKey: keys.campaign(campaign.id) });
    }
  };
  const words = asking === null ? null : ACTIONS[asking];
  return (
    <Page
      title={campaign.name}
      back={<Link to="/campaigns">← Campaigns</Link>}
      subtitle={
        <>
          <span data-testid="campaign-state" data-state={campaign.state}>
            <Tag tone={STATES[campaign.state].tone} dot="dot">
              {STATES[campaign.state].label}
            </Tag>
          </span>
          Campaign {campaign.number}
        </>
      }
      actions={
        <>
          {alive && (
            <Button
              emphasis="secondary"
              onClick={() => setAsking('pause')}
              data-testid="campaign-pause"
            >
              Pause
            </Button>
          )}
          {campaign.state === 'paused' && (
            <Button onClick={() => setAsking('resume')} data-testid="campaign-resume">
              Resume
            </Button>
          )}
          {(alive || campaign.state === 'paused') && (
            <Button
              emphasis="secondary"
              onClick={() => setAsking('cancel')}
              data-testid="campaign-cancel"
            >
              Cancel
            </Button>
          )}
        </>
      }
    >
      <div className={css.view}>
        <Card
          title="Funnel"
          description="From the text to the sale; each step with its share of the one it follows from."
        >
          {funnel.isError && <Failure error={funnel.error} onRetry={() => void funnel.refetch()} />}
          {funnel.isPending && <SkeletonRows rows={10} height={24} />}
          {funnel.data !== undefined && (
            <>
              <FunnelChart funnel={funnel.data} />
              <Totals funnel={funnel.data} />
            </>
          )}
        </Card>
        <div className={css.sideCards}>
          {funnel.data !== undefined && <Reasons funnel={funnel.data} />}
          <Card title="Message">
            <p className={css.message}>{campaign.body}</p>
            <Facts
              items={[
                {
                  label: 'Link',
                  value: FOOTERS.find((each) => each.value === campaign.footer)?.label,
                },
                { label: 'Started', value: formatDateTime(campaign.started_at) },
                ...(campaign.ended_at === null
                  ? []
                  : [{ label: 'Ended', value: formatDateTime(campaign.ended_at) }]),
              ]}
            />
          </Card>
        </div>
      </div>
      <LinksCard campaignId={campaign.id} />
      <RecipientTable campaignId={campaign.id} />
      {asking !== null && words !== null && (
        <ConfirmDialog
          title={words.title}
          confirmLabel={words.confirm}
          emphasis={words.emphasis}
          testId={`confirm-${asking}`}
          onClose={() => setAsking(null)}
          onConfirm={() => act(asking, words.done)}
        >
          {words.text}
        </ConfirmDialog>
      )}
    </Page>
  );
}

function Totals({ funnel }: { funnel: Funnel }) {
  const items = [
    { key: 'queued', label: 'still queued', value: funnel.queued },
    { key: 'excluded', label: 'excluded', value: funnel.excluded },
    { key: 'failed', label: 'failed', value: funnel.failed },
    { key: 'unknown', label: 'outcome unknown', value: funnel.unknown },
    { key: 'canceled', label: 'canceled', value: funnel.canceled },
    { key: 'taps_raw', label: 'taps in all, previews and robots included', value: funnel.taps_raw },
  ].filter((item) => item.value > 0);
  if (items.length === 0) return null;
  return (
    <div className={funnelCss.totals}>
      {items.map((item) => (
        <span key={item.key}>
          <strong data-testid={`funnel-${item.key}`}>{item.value.toLocaleString()}</strong>{' '}
          {item.label}
        </span>
      ))}
    </div>
  );
}

function Reasons({ funnel }: { funnel: Funnel }) {
  return (
    <Card title="Not sent, and why">
      {funnel.excluded_by_rule.length + funnel.failures.length === 0 ? (
        <EmptyState title="Everyone got it so far" />
      ) : (
        <ul className={css.reasons}>
          {funnel.excluded_by_rule.map((rule) => (
            <li key={rule.rule} data-testid={`excluded-${rule.rule}`}>
              <span>{rule.label}</span>
              <strong>{rule.count.toLocaleString()}</strong>
            </li>
          ))}
          {funnel.failures.map((failure) => (
            <li key={failure.code} data-tone="bad" data-testid={`failure-${failure.code}`}>
              <span>
                {failure.label} <code>{failure.code}</code>
              </span>
              <strong>{failure.count.toLocaleString()}</strong>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
