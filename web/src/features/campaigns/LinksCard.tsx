import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { CampaignLink, CampaignLinks, ClickFigures } from '@/api/link-types';
import { keys } from '@/api/query-keys';
import { formatDateTime } from '@/lib/time';
import {
  Button,
  Card,
  ConfirmDialog,
  EmptyState,
  Failure,
  Notice,
  notify,
  SkeletonRows,
  Tag,
} from '@/ui';
import { ClickChart } from './ClickChart';
import css from './links.module.css';
import { fetchClicks, fetchLinks, qrUrl, switchLink, switchLinks } from './links-api';

/** What is asked before it is done: all links (`null`) or one of them. */
type Asking = { link: CampaignLink | null; to: 'stop' | 'allow' };

/** A sent campaign's links: who followed them, and the switches that turn them off. */
export function LinksCard({ campaignId }: { campaignId: string }) {
  const cache = useQueryClient();
  const [asking, setAsking] = useState<Asking | null>(null);
  const links = useQuery({
    queryKey: keys.campaignLinks(campaignId),
    queryFn: ({ signal }) => fetchLinks(campaignId, signal),
    refetchInterval: 30_000,
  });
  const clicks = useQuery({
    queryKey: keys.clicks(campaignId),
    queryFn: ({ signal }) => fetchClicks(campaignId, signal),
    refetchInterval: 30_000,
  });
  const act = async ({ link, to }: Asking) => {
    const changed =
      link === null
        ? await switchLinks(campaignId, to)
        : await switchLink(campaignId, link.link, to === 'stop' ? 'stopped' : 'on');
    cache.setQueryData(keys.campaignLinks(campaignId), changed);
    notify.done(to === 'stop' ? 'Turned off' : 'Turned on');
  };
  const data = links.data;
  return (
    <Card
      title="Links"
      description={data === undefined ? undefined : <Ending links={data} />}
      aside={
        data !== undefined &&
        data.links.length > 0 && (
          <Button
            emphasis={data.stopped_at === null ? 'secondary' : 'primary'}
            onClick={() =>
              setAsking({ link: null, to: data.stopped_at === null ? 'stop' : 'allow' })
            }
            data-testid="links-switch"
          >
            {data.stopped_at === null ? 'Turn all off' : 'Turn on again'}
          </Button>
        )
      }
      data-testid="links-card"
    >
      {links.isError && <Failure error={links.error} onRetry={() => void links.refetch()} />}
      {links.isPending && <SkeletonRows rows={3} />}
      {data !== undefined && data.links.length === 0 && (
        <EmptyState title="No links in this text">
          Addresses in a text and the link into the chat would be listed here.
        </EmptyState>
      )}
      {data !== undefined && data.links.length > 0 && (
        <div className={css.parts}>
          {data.stopped_at !== null && (
            <Notice tone="warn" title={`Turned off ${formatDateTime(data.stopped_at)}`}>
              Whoever taps a link of this campaign reads that it has been turned off.
            </Notice>
          )}
          <ul className={css.links}>
            {data.links.map((link) => (
              <LinkRow
                key={link.link}
                campaignId={campaignId}
                link={link}
                isAllOff={data.stopped_at !== null}
                onAsk={(to) => setAsking({ link, to })}
              />
            ))}
          </ul>
          {clicks.data !== undefined && <Figures figures={clicks.data} />}
        </div>
      )}
      {asking !== null && (
        <ConfirmDialog
          title={asking.to === 'stop' ? 'Turn off?' : 'Turn on again?'}
          confirmLabel={asking.to === 'stop' ? 'Turn off' : 'Turn on'}
          emphasis={asking.to === 'stop' ? 'danger' : 'primary'}
          testId="confirm-links"
          onClose={() => setAsking(null)}
          onConfirm={() => act(asking)}
        >
          {asking.to === 'stop'
            ? 'From the next tap on, customers read that the link has been turned off. Taps are not counted meanwhile. You can turn it on again.'
            : 'Links that were sent lead on again from the next tap.'}
        </ConfirmDialog>
      )}
    </Card>
  );
}

function Ending({ links }: { links: CampaignLinks }) {
  const host = links.link_base.replace(/^https?:\/\//, '');
  const end =
    links.ends_at === null
      ? 'They work until 90 days after the campaign’s end.'
      : `They work until ${formatDateTime(links.ends_at)}.`;
  return (
    <>
      On {host}. {end}
    </>
  );
}

interface LinkRowProps {
  campaignId: string;
  link: CampaignLink;
  isAllOff: boolean;
  onAsk: (to: 'stop' | 'allow') => void;
}

function LinkRow({ campaignId, link, isAllOff, onAsk }: LinkRowProps) {
  const isOff = link.stopped_at !== null;
  return (
    <li data-testid={`link-${link.link}`}>
      <span className={css.target}>
        <strong>{link.target ?? 'Into the chat'}</strong>
        {isOff && (
          <Tag tone="bad" dot="dot">
            Off
          </Tag>
        )}
      </span>
      <span className={css.counts}>
        <span>
          <strong>{link.filtered.toLocaleString()}</strong> by people
        </span>
        <span>
          <strong>{link.raw.toLocaleString()}</strong> in all
        </span>
        {link.scanned > 0 && (
          <span title="By the QR code; they are among those by people">
            <strong>{link.scanned.toLocaleString()}</strong> scanned
          </span>
        )}
      </span>
      <span className={css.tools}>
        <a href={link.test_link} target="_blank" rel="noreferrer">
          Try it
        </a>
        <a href={qrUrl(campaignId, link.link, 'svg')} target="_blank" rel="noreferrer">
          QR (SVG)
        </a>
        <a href={qrUrl(campaignId, link.link, 'png')} download="link.png">
          QR (PNG)
        </a>
        {!isAllOff && (
          <button type="button" onClick={() => onAsk(isOff ? 'allow' : 'stop')}>
            {isOff ? 'Turn on' : 'Turn off'}
          </button>
        )}
      </span>
    </li>
  );
}

const DEVICES = {
  android: 'Android phones',
  iphone: 'iPhones',
  tablet: 'Tablets',
  desktop: 'Computers',
  other: 'Others',
};

const VERDICTS = {
  person: 'People',
  preview: 'Previews of messengers',
  robot: 'Robots and scanners',
  head: 'Only looked whether it works',
  early: 'Sooner than anybody can read',
};

function Figures({ figures }: { figures: ClickFigures }) {
  if (figures.over_time.length === 0) {
    return (
      <EmptyState title="Nobody has followed a link yet">
        Taps appear here within a second.
      </EmptyState>
    );
  }
  return (
    <div className={css.figures}>
      <ClickChart figures={figures} />
      <Counts
        title="People’s devices"
        rows={figures.devices.map((each) => ({ label: DEVICES[each.device], count: each.count }))}
      />
      <Counts
        title="Who asked for the links"
        rows={figures.verdicts.map((each) => ({
          label: VERDICTS[each.verdict],
          count: each.count,
        }))}
      />
    </div>
  );
}

function Counts({ title, rows }: { title: string; rows: { label: string; count: number }[] }) {
  return (
    <section className={css.list}>
      <h3>{title}</h3>
      <ul>
        {rows.map((row) => (
          <li key={row.label}>
            <span>{row.label}</span>
            <strong>{row.count.toLocaleString()}</strong>
          </li>
        ))}
      </ul>
    </section>
  );
}
