import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { Campaign, Funnel } from '@/api/types';
import { counted } from '@/lib/counted';
import { formatDateTime } from '@/lib/time';
import { NextRun } from './NextRun';
import {
  Button,
  Card,
  ConfirmDialog,
  EmptyState,
  Facts,
  Failure,
  Notice,
  notify,
  Page,
  SkeletonRows,
  Tag,
} from '@/ui';
import { actOnCampaign, copyCampaign, fetchFunnel, type CampaignAction, textFileUrl } from './api';
import css from './campaigns.module.css';
import { FunnelChart } from './FunnelChart';
import funnelCss from './funnel.module.css';
import { LanguageHolds } from './LanguageHolds';
import { LinksCard } from './LinksCard';
import { isPicture } from './media';
import { useTextFiles } from './MediaField';
import { RecipientTable } from './RecipientTable';
import { ReviewDialog } from './ReviewDialog';
import { ChargesCard, HoldNotice } from './TemplateStatus';
import { VariantReportCard } from './VariantReportCard';
import { FOOTERS, STATES } from './words';

type Asking = 'pause' | 'resume' | 'cancel' | 'withdraw';

const ACTIONS: Record<
  Asking,
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
  withdraw: {
    title: 'Make it a draft again?',
    confirm: 'Withdraw',
    text: 'It does not start until you start it again. An approval it has is void then.',
    done: 'It is a draft again',
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
  const [asking, setAsking] = useState<Asking | null>(null);
  const [reviewing, setReviewing] = useState<'approve' | 'reject' | null>(null);
  const files = useTextFiles(campaign.media, campaign.id).known;
  const navigate = useNavigate();
  const waits = campaign.state === 'scheduled' || campaign.state === 'awaiting_approval';
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
            {campaign.hold !== null && <Tag tone="warn">Held</Tag>}
          </span>
          Campaign {campaign.number}
        </>
      }
      actions={
        <>
          <Button
            emphasis="quiet"
            onClick={async () => {
              try {
                const copied = await copyCampaign(campaign.id);
                void cache.invalidateQueries({ queryKey: keys.campaigns });
                await navigate({
                  to: '/campaigns/$campaignId',
                  params: { campaignId: copied.id },
                });
              } catch (error) {
                notify.failure(error);
              }
            }}
            data-testid="campaign-copy"
          >
            Copy
          </Button>
          {waits && (
            <Button
              emphasis="secondary"
              onClick={() => setAsking('withdraw')}
              data-testid="campaign-withdraw"
            >
              Back to draft
            </Button>
          )}
          {campaign.state === 'awaiting_approval' && (
            <>
              <Button
                emphasis="secondary"
                onClick={() => setReviewing('reject')}
                data-testid="campaign-reject"
              >
                Give back
              </Button>
              <Button onClick={() => setReviewing('approve')} data-testid="campaign-approve">
                Approve
              </Button>
            </>
          )}
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
          {(alive || waits || campaign.state === 'paused') && (
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
      {(campaign.template !== null || campaign.hold !== null) && <HoldNotice campaign={campaign} />}
      {funnel.data !== undefined && <LanguageHolds languages={funnel.data.languages} />}
      {campaign.attention !== null && (
        <div className={css.attention}>
          <Notice tone="warn" title="It stands still" live="status">
            <span data-testid="campaign-attention">{campaign.attention}</span>
          </Notice>
        </div>
      )}
      {campaign.state === 'awaiting_approval' && (
        <div className={css.attention}>
          <Notice title="It waits for a second person">
            {campaign.submitted_by ?? campaign.created_by} has submitted it. Somebody else has to
            approve it; then it starts at its time.
          </Notice>
        </div>
      )}
      {campaign.state === 'scheduled' && campaign.next_run_at !== null && (
        <div className={css.attention}>
          <Notice
            title={campaign.schedule.repeat === null ? 'It starts by itself' : 'It runs again'}
          >
            <NextRun at={campaign.next_run_at} clock={campaign.schedule.clock} />
            {campaign.schedule.clock === 'recipient' &&
              ', from when that time comes in the first time zone of the world'}
            {campaign.runs > 0 && ` · ${counted(campaign.runs, 'run', 'runs')} so far`}
          </Notice>
        </div>
      )}
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
          {(campaign.variants.length > 0 || campaign.held_out_percent > 0) && (
            <VariantReportCard campaignId={campaign.id} alive={alive} />
          )}
          {campaign.template !== null && campaign.started_at !== null && (
            <ChargesCard campaign={campaign} />
          )}
          <Card title="Message">
            {files.some(isPicture) && (
              <div className={css.pictures}>
                {files.filter(isPicture).map((file) => (
                  <img
                    key={file.id}
                    src={textFileUrl(file.id)}
                    alt={file.file_name ?? 'Picture'}
                    data-testid="campaign-picture"
                  />
                ))}
              </div>
            )}
            {campaign.template === null && <p className={css.message}>{campaign.body}</p>}
            <Facts
              items={[
                campaign.template === null
                  ? {
                      label: 'Link',
                      value: FOOTERS.find((each) => each.value === campaign.footer)?.label,
                    }
                  : {
                      label: 'WhatsApp template',
                      value: `${campaign.template.name} (${campaign.template.language})`,
                    },
                ...(campaign.media.length === 0
                  ? []
                  : [
                      { label: 'Files', value: `${campaign.media.length}; each message is an MMS` },
                    ]),
                {
                  label: 'Started',
                  value:
                    campaign.started_at === null ? 'Not yet' : formatDateTime(campaign.started_at),
                },
                ...(campaign.approved_by === null
                  ? []
                  : [{ label: 'Approved by', value: campaign.approved_by }]),
                ...(campaign.ended_at === null
                  ? []
                  : [{ label: 'Ended', value: formatDateTime(campaign.ended_at) }]),
              ]}
            />
          </Card>
        </div>
      </div>
      <LinksCard campaignId={campaign.id} />
      <RecipientTable
        campaignId={campaign.id}
        is={['finished', 'canceled'].includes(campaign.state) ? 'over' : 'alive'}
      />
      {reviewing !== null && (
        <ReviewDialog campaign={campaign} verdict={reviewing} onClose={() => setReviewing(null)} />
      )}
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
    {
      key: 'assessed',
      label: 'held back by WhatsApp while it looks at the template',
      value: funnel.assessed,
    },
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
