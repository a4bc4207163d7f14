import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { errorWords } from '@/api/errors';
import { keys } from '@/api/query-keys';
import type { Campaign } from '@/api/types';
import { Button, Dialog, DialogActions, notify, Stack, TextArea } from '@/ui';
import { reviewCampaign } from './api';

interface ReviewDialogProps {
  campaign: Campaign;
  verdict: 'approve' | 'reject';
  onClose: () => void;
}

/** A second person says yes or no, with a word to the author. */
export function ReviewDialog({ campaign, verdict, onClose }: ReviewDialogProps) {
  const cache = useQueryClient();
  const [comment, setComment] = useState('');
  const [busy, setBusy] = useState(false);
  // What is on the page may be loaded anew while the dialog is open.
  const [version] = useState(campaign.version);
  const yes = verdict === 'approve';
  const send = async () => {
    setBusy(true);
    try {
      const next = await reviewCampaign(campaign.id, verdict, { comment, version });
      cache.setQueryData(keys.campaign(campaign.id), next);
      notify.done(yes ? 'Approved' : 'Given back to the author');
      onClose();
    } catch (error) {
      if (errorWords(error).code === 'changed_meanwhile') {
        void cache.invalidateQueries({ queryKey: keys.campaign(campaign.id) });
        notify.problem(
          'The campaign has been changed since you opened it',
          'Nothing was decided. Look at it as it is now, then approve it or give it back.',
        );
        onClose();
        return;
      }
      notify.failure(error);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={yes ? 'Approve this campaign?' : 'Give it back to the author?'}
      onClose={onClose}
    >
      <Stack gap={12}>
        <p style={{ margin: 0 }}>
          {yes
            ? 'It starts at its time, or at once when it has none. Look at the text and the audience first.'
            : 'It becomes a draft again. Say what has to change.'}
        </p>
        <TextArea
          label={yes ? 'A word to the author (optional)' : 'What has to change'}
          value={comment}
          minRows={3}
          autosize
          onChange={(event) => setComment(event.currentTarget.value)}
          data-testid="review-comment"
        />
      </Stack>
      <DialogActions>
        <Button emphasis="secondary" onClick={onClose}>
          Keep as it is
        </Button>
        <Button
          loading={busy}
          disabled={!yes && comment.trim() === ''}
          onClick={() => void send()}
          data-testid="confirm-review"
        >
          {yes ? 'Approve' : 'Give back'}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
