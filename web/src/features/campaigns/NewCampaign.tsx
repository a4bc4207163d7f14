import { useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { keys } from '@/api/query-keys';
import type { CampaignInput } from '@/api/types';
import { Button, Card, EmptyState, Failure, notify, Page, SkeletonRows, type Typed } from '@/ui';
import { createCampaign } from './api';
import { CampaignForm } from './CampaignForm';
import css from './editor.module.css';
import { useTextFiles } from './MediaField';
import { PhonePreview } from './PhonePreview';
import { phoneText, useCountedText } from './SegmentCounter';
import { TemplatePreview } from './TemplateFields';
import { useUnsaved } from '@/lib/unsaved';
import { useSources, type Sources } from './use-sources';
import { EMPTY_INPUT, halfDate, missing, textSent } from './words';

export function NewCampaign() {
  const sources = useSources();
  if (!sources.ready) {
    return (
      <Page title="New campaign">
        <Card>
          {sources.error === null ? (
            <SkeletonRows rows={8} />
          ) : (
            <Failure error={sources.error} onRetry={sources.retry} />
          )}
        </Card>
      </Page>
    );
  }
  if (sources.senders.length === 0 && sources.whatsapp.length === 0) {
    return (
      <Page title="New campaign" back={<Link to="/campaigns">← Campaigns</Link>}>
        <Card>
          <EmptyState
            title="No sender yet"
            action={
              <Link to="/setup/$section" params={{ section: 'senders' }}>
                Add a sender in Setup
              </Link>
            }
          >
            A campaign needs a number or name its texts come from.
          </EmptyState>
        </Card>
      </Page>
    );
  }
  return <NewCampaignForm sources={sources} />;
}

/** Chooses what there is no choice about. */
function firstInput(sources: Sources): CampaignInput {
  const usable = sources.senders.filter((sender) => sender.registration !== 'rejected');
  return {
    ...EMPTY_INPUT,
    sender_id: usable.length === 1 ? (usable[0]?.id ?? null) : null,
    whatsapp_channel_id: sources.whatsapp[0]?.id ?? null,
  };
}

function NewCampaignForm({ sources }: { sources: Sources }) {
  const [first] = useState(() => firstInput(sources));
  const [input, setInput] = useState(first);
  const isTyped = JSON.stringify(input) !== JSON.stringify(first);
  const letGo = useUnsaved('The new campaign', isTyped ? 'unsaved' : 'saved');
  const [dates, setDates] = useState<Typed>('whole');
  const [busy, setBusy] = useState(false);
  const counted = useCountedText(input);
  const shown = textSent(input);
  const ofPhone = useCountedText(shown);
  const navigate = useNavigate();
  const cache = useQueryClient();
  const files = useTextFiles(input.media, null);
  const lacks = missing(input);

  const save = async () => {
    setBusy(true);
    try {
      const campaign = await createCampaign({ ...input, name: input.name.trim() });
      cache.setQueryData(keys.campaign(campaign.id), campaign);
      void cache.invalidateQueries({ queryKey: keys.campaigns, exact: true });
      letGo();
      await navigate({ to: '/campaigns/$campaignId', params: { campaignId: campaign.id } });
    } catch (error) {
      notify.failure(error);
      setBusy(false);
    }
  };

  const sender = sources.senders.find((each) => each.id === input.sender_id);
  return (
    <Page
      title="New campaign"
      back={<Link to="/campaigns">← Campaigns</Link>}
      subtitle="Nothing is sent before you start it."
      actions={
        <Button
          onClick={() => void save()}
          loading={busy}
          disabled={lacks.length > 0 || dates === 'half'}
          data-testid="campaign-save"
        >
          Save draft
        </Button>
      }
    >
      <div className={css.layout}>
        <CampaignForm
          input={input}
          onChange={setInput}
          onTyped={setDates}
          sources={sources}
          counted={counted}
          files={files}
        />
        <aside className={css.aside} aria-label="Preview">
          {input.template === null ? (
            <PhonePreview
              files={files.known}
              sender={sender?.address ?? ''}
              text={phoneText(shown, ofPhone)}
              prefilled={input.footer === 'none' ? null : input.prefilled_text}
            />
          ) : (
            <TemplatePreview wanted={input.template} sources={sources} />
          )}
          <p className={css.muted}>
            {lacks.length > 0
              ? `Still needed: ${lacks.join(', ')}.`
              : dates === 'half'
                ? halfDate(input)
                : 'Save the draft to see who may get it, and why others may not.'}
          </p>
        </aside>
      </div>
    </Page>
  );
}
