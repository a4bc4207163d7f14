import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { errorWords } from '@/api/errors';
import type { CampaignLinks, Landing, LinkSettings } from '@/api/link-types';
import { keys } from '@/api/query-keys';
import {
  Button,
  Card,
  Failure,
  MomentField,
  notify,
  SelectField,
  SkeletonRows,
  Stack,
  TextArea,
} from '@/ui';
import css from './editor.module.css';
import { fetchDomains, fetchLinks } from './links-api';
import type { LinkEdits } from './use-link-edits';

const LANDINGS: { value: Landing; label: string }[] = [
  { value: 'none', label: 'No page: straight into the chat' },
  { value: 'desktop', label: 'On computers, with a QR code for the phone' },
  { value: 'always', label: 'For everybody' },
];

interface LinkSettingsCardProps {
  campaignId: string;
  edits: LinkEdits;
}

/** What is set about a draft's links. Saved with its own button, and before the draft is checked or sent. */
export function LinkSettingsCard({ campaignId, edits }: LinkSettingsCardProps) {
  const links = useQuery({
    queryKey: keys.campaignLinks(campaignId),
    queryFn: ({ signal }) => fetchLinks(campaignId, signal),
  });
  return (
    <Card
      title="Links"
      description="Every https address in the text becomes a short link of its own per recipient."
      data-testid="link-settings"
    >
      {links.isError && <Failure error={links.error} onRetry={() => void links.refetch()} />}
      {links.isPending && <SkeletonRows rows={3} />}
      {links.data !== undefined && <Settings links={links.data} edits={edits} />}
    </Card>
  );
}

function Settings({ links, edits }: { links: CampaignLinks; edits: LinkEdits }) {
  const domains = useQuery({
    queryKey: keys.linkDomains,
    queryFn: ({ signal }) => fetchDomains(signal),
  });
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const { set } = edits;
  const shown = { ...links, ...edits.edited };
  const save = async () => {
    setBusy(true);
    setProblem(null);
    try {
      await edits.save();
      notify.done('Links saved');
    } catch (error) {
      setProblem(errorWords(error).message);
    }
    setBusy(false);
  };
  const verified = (domains.data?.data ?? []).filter((domain) => domain.verified_at !== null);
  return (
    <Stack>
      <div className={css.two}>
        <SelectField
          label="Host name"
          description="What the links begin with. Add your own under Setup, Link domains."
          value={shown.domain_id ?? ''}
          onChange={(event) => {
            const value = event.currentTarget.value;
            set({ domain_id: value === '' ? null : value });
          }}
          data={[
            { value: '', label: `Default (${links.link_base.replace(/^https?:\/\//, '')})` },
            ...verified.map((domain) => ({ value: domain.id, label: domain.host })),
          ]}
        />
        <SelectField
          label="Addresses in the text"
          description="Short links are counted and can be turned off."
          value={shown.shorten}
          onChange={(event) =>
            set({ shorten: event.currentTarget.value as LinkSettings['shorten'] })
          }
          data={[
            { value: 'every', label: 'Become short links' },
            { value: 'none', label: 'Stay as they are written' },
          ]}
        />
        <MomentField
          label="Links end"
          description="In your time zone; empty for 90 days after the campaign’s end."
          value={shown.expires_at}
          onMoment={(expires_at) => set({ expires_at })}
          onTyped={edits.setEnd}
        />
        <SelectField
          label="Page before the chat"
          description="For legal words, and for computers without WhatsApp."
          value={shown.landing}
          onChange={(event) => set({ landing: event.currentTarget.value as Landing })}
          data={LANDINGS}
          data-testid="link-landing"
        />
      </div>
      {shown.landing !== 'none' && (
        <>
          <TextArea
            label="Legal text on the page"
            description="Who you are and where your privacy notice is."
            autosize
            minRows={2}
            value={shown.legal_text}
            onChange={(event) => set({ legal_text: event.currentTarget.value })}
          />
          <TextArea
            label="Consent box on the page"
            description="Word for word what a customer agrees to by ticking it; empty for no box. A tick is recorded as consent to WhatsApp marketing."
            autosize
            minRows={2}
            value={shown.consent_wording}
            onChange={(event) => set({ consent_wording: event.currentTarget.value })}
          />
        </>
      )}
      {problem !== null && <p className={css.unknown}>{problem}</p>}
      <div>
        <Button
          emphasis="secondary"
          disabled={!edits.dirty}
          loading={busy}
          onClick={() => void save()}
          data-testid="links-save"
        >
          Save links
        </Button>
      </div>
    </Stack>
  );
}
