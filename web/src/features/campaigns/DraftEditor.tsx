import { useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiError, errorWords } from '@/api/errors';
import { keys } from '@/api/query-keys';
import type { Campaign, CampaignInput } from '@/api/types';
import { useUnsaved } from '@/lib/unsaved';
import {
  Button,
  Card,
  ConfirmDialog,
  Failure,
  Notice,
  notify,
  Page,
  SkeletonRows,
  Tag,
  type Typed,
} from '@/ui';
import { changeCampaign, copyCampaign, deleteCampaign, fetchCampaign } from './api';
import { AudienceCard, usePreview } from './AudienceCard';
import { CampaignForm } from './CampaignForm';
import css from './editor.module.css';
import { LinkSettingsCard } from './LinkSettingsCard';
import { useTextFiles } from './MediaField';
import { PhonePreview } from './PhonePreview';
import { PreviewAs } from './PreviewAs';
import { PreflightDialog } from './PreflightDialog';
import { phoneText, useCountedText, type Reader } from './SegmentCounter';
import { TestSendDialog } from './TestSendDialog';
import { TemplatePreview } from './TemplateFields';
import { useLinkEdits } from './use-link-edits';
import { useSources } from './use-sources';
import { halfDate, inputOf, missing, textSent, whyNotNow } from './words';

const AUTOSAVE_MS = 700;

/**
 * Saves what was typed, a moment after the last change and never two saves at once. `save` fails when the newest text is
 * not saved by it, so that nobody goes on with an older one.
 */
export function useAutosave(campaign: Campaign) {
  const cache = useQueryClient();
  const [input, setInput] = useState<CampaignInput>(() => inputOf(campaign));
  const [state, setState] = useState<'saved' | 'dirty' | 'saving' | 'failed'>('saved');
  const [problem, setProblem] = useState<string | null>(null);
  const [newer, setNewer] = useState(false);
  // The one that what is typed here began with; what the screens are told meanwhile may be somebody else's.
  const version = useRef(campaign.version);
  const latest = useRef(input);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const running = useRef<Promise<void>>(Promise.resolve());
  const dirty = useRef(false);

  const save = useCallback((): Promise<void> => {
    clearTimeout(timer.current);
    const before = running.current.catch(() => undefined);
    running.current = before.then(async () => {
      if (!dirty.current) return;
      const lacks = missing(latest.current);
      if (lacks.length > 0) {
        const detail = `The draft is not saved. Still needed: ${lacks.join(', ')}.`;
        throw new ApiError(422, { detail });
      }
      dirty.current = false;
      setState('saving');
      try {
        const saved = await changeCampaign(campaign.id, latest.current, version.current);
        version.current = saved.version;
        setNewer(false);
        cache.setQueryData(keys.campaign(campaign.id), saved);
        setState(dirty.current ? 'dirty' : 'saved');
        setProblem(null);
      } catch (error) {
        dirty.current = true;
        setState('failed');
        setProblem(errorWords(error).message);
        setNewer(errorWords(error).code === 'changed_meanwhile');
        throw error;
      }
    });
    return running.current;
  }, [cache, campaign.id]);

  const change = (next: CampaignInput) => {
    latest.current = next;
    dirty.current = true;
    setInput(next);
    setState('dirty');
    clearTimeout(timer.current);
    // What went wrong stands beside the text.
    timer.current = setTimeout(() => void save().catch(() => undefined), AUTOSAVE_MS);
  };
  /** What somebody else has saved meanwhile: in place of what was typed here, or written over by it. */
  const settle = async (which: 'theirs' | 'mine') => {
    clearTimeout(timer.current);
    const stored = await fetchCampaign(campaign.id);
    version.current = stored.version;
    if (which === 'mine') return save();
    latest.current = inputOf(stored);
    dirty.current = false;
    cache.setQueryData(keys.campaign(campaign.id), stored);
    setInput(latest.current);
    setState('saved');
    setProblem(null);
    setNewer(false);
  };
  /** Nothing of it is to be saved any more. */
  const drop = () => {
    clearTimeout(timer.current);
    dirty.current = false;
  };
  // Leaving the page must not lose the last words.
  useEffect(() => () => void save().catch(notify.failure), [save]);
  return { input, change, save, settle, drop, state, problem, newer };
}

const STATE_WORDS = {
  saved: 'Saved',
  dirty: 'Not saved yet',
  saving: 'Saving…',
  failed: 'Not saved',
};

export function DraftEditor({ campaign }: { campaign: Campaign }) {
  const sources = useSources();
  const { input, change, save, settle, drop, state, problem, newer } = useAutosave(campaign);
  const links = useLinkEdits(campaign.id);
  const saveLinks = links.save;
  /** Everything of the draft, so that what is checked, tested or copied is what stands on the screen. */
  const saveAll = useCallback(() => save().then(saveLinks), [save, saveLinks]);
  const [reader, setReader] = useState<Reader>({});
  const counted = useCountedText(input, reader);
  const asSample = reader.contact_id === undefined && reader.person === undefined;
  const preview = usePreview(campaign);
  const navigate = useNavigate();
  const cache = useQueryClient();
  const [dates, setDates] = useState<Typed>('whole');
  const [dialog, setDialog] = useState<'start' | 'test' | 'delete' | null>(null);
  const files = useTextFiles(input.media, campaign.id);
  const lacks = missing(input);
  // Leaving the page saves the text where that is possible, and never the links.
  const isStuck = state === 'failed' || (state === 'dirty' && lacks.length > 0);
  const letGo = useUnsaved(
    'The draft',
    isStuck || links.dirty ? 'unsaved' : state === 'saved' ? 'saved' : 'saving',
  );
  const whyNot =
    dates === 'half' ? halfDate(input) : whyNotNow(input, preview.data?.sendable ?? null);
  const shown = textSent(input);
  const ofPhone = useCountedText(shown, reader);
  const sender = sources.senders.find((each) => each.id === input.sender_id);

  if (!sources.ready) {
    return (
      <Page title={campaign.name}>
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
  return (
    <Page
      title={input.name.trim() === '' ? 'Campaign without name' : input.name}
      back={<Link to="/campaigns">← Campaigns</Link>}
      subtitle={
        <>
          <Tag dot="dot">Draft</Tag>
          <span data-testid="campaign-state" data-state="draft">
            Campaign {campaign.number}
          </span>
        </>
      }
      actions={
        <>
          <span className={css.saved} role="status">
            {STATE_WORDS[state === 'saved' && links.dirty ? 'dirty' : state]}
          </span>
          <Button
            emphasis="quiet"
            onClick={() => setDialog('delete')}
            data-testid="campaign-delete"
          >
            Delete
          </Button>
          <Button
            emphasis="quiet"
            onClick={async () => {
              try {
                await saveAll();
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
          <Button
            emphasis="secondary"
            onClick={() => {
              // What went wrong with the text stands beside it.
              const own = save().then(
                () => true,
                () => false,
              );
              void own.then((saved) => (saved ? saveLinks() : undefined)).catch(notify.failure);
            }}
            disabled={(state === 'saved' && !links.dirty) || lacks.length > 0}
            data-testid="campaign-save"
          >
            Save
          </Button>
          <Button
            emphasis="secondary"
            onClick={() => setDialog('test')}
            data-testid="campaign-test"
          >
            Test
          </Button>
          <Button
            disabled={lacks.length > 0 || whyNot !== null}
            aria-describedby={whyNot === null ? undefined : 'campaign-why-not'}
            onClick={() => setDialog('start')}
            data-testid="campaign-start"
          >
            Check and start
          </Button>
        </>
      }
    >
      <div className={css.layout}>
        <div className={css.main}>
          <CampaignForm
            input={input}
            onChange={change}
            onTyped={setDates}
            sources={sources}
            counted={counted}
            files={files}
          />
          <LinkSettingsCard campaignId={campaign.id} edits={links} />
        </div>
        <aside className={css.aside} aria-label="Preview and audience">
          {campaign.review_comment !== null && (
            <Notice tone="warn" title="It was given back">
              {campaign.review_comment}
            </Notice>
          )}
          {whyNot !== null && (dates === 'half' || !preview.isError) && (
            <p id="campaign-why-not" className={css.muted} data-testid="campaign-why-not">
              {whyNot}
            </p>
          )}
          <AudienceCard preview={preview} mms={campaign.media.length > 0} />
          {input.template === null ? (
            <>
              <PreviewAs
                reader={reader}
                onChange={setReader}
                fields={ofPhone.preview?.fields ?? []}
              />
              <PhonePreview
                files={files.known}
                sender={sender?.address ?? ''}
                text={
                  asSample
                    ? (state === 'saved' && preview.data?.sample?.text) || phoneText(shown, ofPhone)
                    : (ofPhone.preview?.text ?? '')
                }
                prefilled={input.footer === 'none' ? null : input.prefilled_text}
              />
            </>
          ) : (
            <TemplatePreview
              wanted={input.template}
              sources={sources}
              text={state === 'saved' ? (preview.data?.sample?.text ?? null) : null}
            />
          )}
          {lacks.length > 0 && <p className={css.muted}>Still needed: {lacks.join(', ')}.</p>}
          {problem !== null && !newer && <p className={css.unknown}>{problem}</p>}
          {newer && (
            <div data-testid="campaign-newer">
              <Notice tone="warn" title="Somebody else has changed this draft" live="status">
                What you typed since is not saved.{' '}
                <Button
                  emphasis="secondary"
                  onClick={() => void settle('theirs').catch(notify.failure)}
                >
                  Load the newer one
                </Button>{' '}
                <Button emphasis="quiet" onClick={() => void settle('mine').catch(notify.failure)}>
                  Keep mine
                </Button>
              </Notice>
            </div>
          )}
        </aside>
      </div>
      {dialog === 'start' && (
        <PreflightDialog
          campaign={campaign}
          sender={
            input.template === null
              ? (sender?.address ?? '')
              : (sources.whatsapp.find((each) => each.id === input.template?.channel_id)?.name ??
                '')
          }
          before={saveAll}
          onClose={() => setDialog(null)}
        />
      )}
      {dialog === 'delete' && (
        <ConfirmDialog
          title="Delete this draft?"
          confirmLabel="Delete draft"
          emphasis="danger"
          onClose={() => setDialog(null)}
          onConfirm={async () => {
            await deleteCampaign(campaign.id);
            drop();
            letGo();
            await navigate({ to: '/campaigns' });
            void cache.invalidateQueries({ queryKey: keys.campaigns });
          }}
        >
          The text and the choice of audience are lost. Nothing was sent.
        </ConfirmDialog>
      )}
      {dialog === 'test' && (
        <TestSendDialog
          campaignId={campaign.id}
          variants={input.template === null ? input.variants.map((variant) => variant.name) : []}
          before={saveAll}
          onClose={() => setDialog(null)}
        />
      )}
    </Page>
  );
}
