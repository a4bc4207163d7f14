import type { Vote, VoteOption } from '@/api/types';
import { Button, CheckField, MomentField, TextArea, TextField, type Typed } from '@/ui';
import css from './consent.module.css';

export const FRESH_VOTE: Vote = {
  text: '',
  options: [
    { word: '', label: '' },
    { word: '', label: '' },
  ],
  changeable: false,
  closes_at: null,
  thanks: '{brand}: thank you, your vote for {option} is counted.',
  already: '{brand}: your vote for {option} is counted already.',
  closed: '{brand}: the vote is over. Thank you!',
};

interface VoteFieldsProps {
  vote: Vote;
  onChange: (vote: Vote) => void;
  /** Told when the end is half typed, and when it is whole again. */
  onTyped?: (typed: Typed) => void;
}

/** The question, the options and the answers of a vote. */
export function VoteFields({ vote, onChange, onTyped }: VoteFieldsProps) {
  const set = (change: Partial<Vote>) => onChange({ ...vote, ...change });
  const setOption = (place: number, change: Partial<VoteOption>) =>
    set({
      options: vote.options.map((each, at) => (at === place ? { ...each, ...change } : each)),
    });
  const text = (
    key: 'text' | 'thanks' | 'already' | 'closed',
    label: string,
    description: string,
  ) => (
    <TextArea
      label={label}
      description={description}
      value={vote[key]}
      onChange={(event) => set({ [key]: event.currentTarget.value })}
      rows={2}
      autosize
      data-testid={`vote-${key}`}
    />
  );
  return (
    <>
      {text(
        'text',
        'Question',
        'Name the options in it, as people answer them. {brand} is filled in.',
      )}
      {vote.options.map((option, place) => (
        <div key={place} className={css.question} data-testid="vote-option">
          <TextField
            label={`Option ${place + 1}: what people text`}
            description={`Or ${place + 1}.`}
            value={option.word}
            maxLength={30}
            onChange={(event) => setOption(place, { word: event.currentTarget.value })}
          />
          <TextField
            label="Its name in the result"
            description="{option} in the texts below."
            value={option.label}
            maxLength={60}
            onChange={(event) => setOption(place, { label: event.currentTarget.value })}
          />
          <Button
            emphasis="quiet"
            disabled={vote.options.length <= 2}
            onClick={() => set({ options: vote.options.filter((_, at) => at !== place) })}
          >
            Remove
          </Button>
        </div>
      ))}
      <div>
        <Button
          emphasis="secondary"
          size="xs"
          disabled={vote.options.length >= 20}
          onClick={() => set({ options: [...vote.options, { word: '', label: '' }] })}
        >
          Add an option
        </Button>
      </div>
      <div className={css.two}>
        <MomentField
          label="Closes"
          description="No vote counts from then on. Empty: it stays open."
          value={vote.closes_at}
          onMoment={(closes_at) => set({ closes_at })}
          {...(onTyped === undefined ? {} : { onTyped })}
          data-testid="vote-closes"
        />
        <CheckField
          label="People may change their vote"
          checked={vote.changeable}
          onChange={(event) => set({ changeable: event.currentTarget.checked })}
        />
      </div>
      {text('thanks', 'When a vote is counted', 'Empty sends nothing.')}
      {!vote.changeable && text('already', 'To somebody who has voted', 'Empty sends nothing.')}
      {text('closed', 'When it is over', 'Empty sends nothing.')}
    </>
  );
}
