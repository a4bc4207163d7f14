import { IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { keys } from '@/api/query-keys';
import type { CustomerPanel as Panel, Session } from '@/api/types';
import { formatDateTime } from '@/lib/time';
import { useLive } from '@/live';
import { Facts, Failure, FileList, IconButton, SkeletonRows, Tag } from '@/ui';
import { fetchPanel } from './api';
import { AddressSection } from './AddressSection';
import { BlockSection } from './BlockSection';
import { ContactSection } from './ContactSection';
import css from './customer.module.css';
import { LanguageSection } from './LanguageSection';
import { LinkHistory } from './LinkHistory';
import { NumbersSection } from './NumbersSection';
import { PanelSection } from './PanelSection';
import { PhoneSection } from './PhoneSection';
import { ATTRIBUTION, CONSENT, OPT_IN } from './words';
import { WorkSection } from './WorkSection';

/** Everything known about the customer of one conversation. */
export function CustomerPanel({ sessionId, onClose }: { sessionId: string; onClose: () => void }) {
  const session = useLive((state) => state.sessions[sessionId]);
  const {
    data: panel,
    error,
    isError,
    refetch,
  } = useQuery({
    queryKey: keys.panel(sessionId),
    queryFn: ({ signal }) => fetchPanel(sessionId, signal),
  });
  return (
    <aside className={css.panel} aria-label="Customer">
      <div className={css.panelHead}>
        <h2>Customer</h2>
        <IconButton label="Close customer details" onClick={onClose} size={28}>
          <IconX size={16} />
        </IconButton>
      </div>
      {isError && <Failure error={error} onRetry={() => void refetch()} />}
      {!isError && (session === undefined || panel === undefined) && (
        <SkeletonRows rows={6} height={68} />
      )}
      {session !== undefined && panel !== undefined && (
        <>
          {session.gathered.length > 0 && <Gathered session={session} />}
          <ContactSection session={session} panel={panel} />
          <PhoneSection key={`phone-${sessionId}`} session={session} />
          <LanguageSection session={session} panel={panel} />
          <Origin session={session} advertisement={panel.advertisement} />
          <Consent panel={panel} />
          <NumbersSection session={session} />
          <WorkSection key={sessionId} session={session} panel={panel} />
          <PanelSection title="Files" testId="panel-files">
            <FileList
              key={session.customer.messaging_user_id}
              scope={{ messaging_user_id: session.customer.messaging_user_id }}
              page={4}
              empty="No files came or went with this customer."
            />
          </PanelSection>
          <AddressSection key={`addresses-${sessionId}`} session={session} panel={panel} />
          <LinkHistory session={session} panel={panel} />
          <BlockSection key={`block-${sessionId}`} session={session} panel={panel} />
          <Previous panel={panel} />
        </>
      )}
    </aside>
  );
}

function Gathered({ session }: { session: Session }) {
  return (
    <PanelSection
      title="Answers"
      testId="panel-gathered"
      aside={<Tag tone="info">From the bot</Tag>}
    >
      <Facts items={session.gathered.map(({ label, value }) => ({ label, value }))} />
    </PanelSection>
  );
}

interface OriginProps {
  session: Session;
  advertisement: Panel['advertisement'];
}

function Origin({ session, advertisement }: OriginProps) {
  const tier = ATTRIBUTION[session.attribution];
  const mayOpen = useLive((state) => state.user !== null && state.user.role !== 'agent');
  return (
    <PanelSection
      title="Where it came from"
      testId="panel-campaign"
      aside={<Tag tone={tier.tone}>{tier.label}</Tag>}
    >
      {session.campaign !== null && (
        <p className={css.campaign}>
          {mayOpen ? (
            <Link to="/campaigns/$campaignId" params={{ campaignId: session.campaign.id }}>
              {session.campaign.name}
            </Link>
          ) : (
            session.campaign.name
          )}
        </p>
      )}
      <p className={css.small}>{tier.why}</p>
      {advertisement !== null && (
        <p className={css.small} data-testid="panel-advertisement">
          {advertisement.kind === 'post' ? 'Post' : 'Advertisement'}:{' '}
          {advertisement.headline ??
            advertisement.body ??
            advertisement.source_id ??
            'without a title'}
          {advertisement.click_id !== null && ` (click ${advertisement.click_id})`}
        </p>
      )}
    </PanelSection>
  );
}

function Consent({ panel }: { panel: Panel }) {
  const { sms, whatsapp, session_opt_in } = panel.consent;
  const tag = ({
    label,
    tone,
  }: {
    label: string;
    tone: 'good' | 'bad' | 'warn' | 'neutral' | 'info' | 'accent';
  }) => (
    <Tag tone={tone} dot="dot">
      {label}
    </Tag>
  );
  return (
    <PanelSection title="Consent" testId="panel-consent">
      <Facts
        items={[
          { label: 'This session', value: tag(OPT_IN[session_opt_in]), testId: 'consent-session' },
          { label: 'SMS', value: tag(CONSENT[sms]), testId: 'consent-sms' },
          { label: 'WhatsApp', value: tag(CONSENT[whatsapp]), testId: 'consent-whatsapp' },
        ]}
      />
    </PanelSection>
  );
}

function Previous({ panel }: { panel: Panel }) {
  if (panel.previous_sessions.length === 0) return null;
  return (
    <PanelSection title="Earlier conversations">
      <ul className={css.previous}>
        {panel.previous_sessions.map((session) => (
          <li key={session.id}>
            <Link to="/inbox/$sessionId" params={{ sessionId: session.id }}>
              <span className={css.previousText}>{session.last_message?.text ?? 'No message'}</span>
              <span className={css.small}>
                {formatDateTime(session.started_at)}
                {session.agent !== null && ` · ${session.agent.name}`}
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </PanelSection>
  );
}
