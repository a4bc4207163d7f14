import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type {
  KeywordAction,
  KeywordQuestion,
  KeywordTemplate,
  SenderKeyword,
  Vote,
} from '@/api/types';
import { instant, localTime } from '@/lib/local-time';
import { useDebounced } from '@/lib/use-debounced';
import {
  Button,
  DateField,
  Notice,
  notify,
  SelectField,
  TextArea,
  TextField,
  type Typed,
} from '@/ui';
import { changeKeyword, checkKeyword, createKeyword, type KeywordInput } from './api';
import css from './consent.module.css';
import { FormDialog } from './FormDialog';
import { TemplateChoice } from './TemplateChoice';
import { FRESH_VOTE, VoteFields } from './VoteFields';
import { useNumbers, useProgrammes, useRest } from './use-sources';

interface Props {
  keyword: SenderKeyword | null;
  onClose: () => void;
  onSaved: () => void;
}

export function WordDialog({ keyword, onClose, onSaved }: Props) {
  const numbers = useNumbers();
  const { query, programmes: found } = useProgrammes();
  useRest(query);
  // Whether one is gone is known only once all are here.
  const loaded = query.data !== undefined && !query.hasNextPage;
  const known = keyword?.action;
  const joined = known?.kind === 'join' || known?.kind === 'leave' ? known.programme_id : '';
  const programmes = found.filter((each) => each.ended_at === null || each.id === joined);
  const [sender, setSender] = useState(keyword?.sender_id ?? '');
  const [word, setWord] = useState(keyword?.word ?? '');
  const [chosen, setKind] = useState<KeywordAction['kind'] | null>(known?.kind ?? null);
  const [programme, setProgramme] = useState(joined);
  const [vote, setVote] = useState<Vote>(known?.kind === 'vote' ? known : FRESH_VOTE);
  const [text, setText] = useState(known?.kind === 'reply' ? known.text : '');
  const [questions, setQuestions] = useState<KeywordQuestion[]>(
    known?.kind === 'reply' ? known.questions : [],
  );
  const [closing, setClosing] = useState(known?.kind === 'reply' ? (known.closing ?? '') : '');
  const [next, setNext] = useState(known?.kind === 'reply' ? (known.next_keyword ?? '') : '');
  const [from, setFrom] = useState(localTime(keyword?.valid_from ?? null));
  const [until, setUntil] = useState(localTime(keyword?.valid_until ?? null));
  const [dates, setDates] = useState<Record<string, Typed>>({});
  const put = (date: 'from' | 'until' | 'vote') => (typed: Typed) =>
    setDates((known) => ({ ...known, [date]: typed }));

  const senderId = sender === '' ? (numbers[0]?.id ?? '') : sender;
  const ofSender = programmes.filter((each) => each.sender_id === senderId);
  // Most words join a programme; where there is none to join, the next best is an answer.
  const usual = loaded && ofSender.length === 0 ? 'reply' : 'join';
  const kind = chosen ?? usual;
  // Programmes belong to a number: with another number it is another one.
  const isThere = !loaded || ofSender.some((each) => each.id === programme);
  const programmeId = isThere ? programme : (ofSender[0]?.id ?? '');
  const action: KeywordAction =
    kind === 'reply'
      ? {
          kind,
          text,
          questions,
          ...(closing.trim() === '' ? {} : { closing }),
          ...(next.trim() === '' ? {} : { next_keyword: next }),
        }
      : kind === 'vote'
        ? { ...vote, kind }
        : { kind, programme_id: programmeId };
  const input: KeywordInput = {
    sender_id: senderId,
    word,
    action,
    valid_from: instant(from),
    valid_until: instant(until),
  };
  const forCheck: KeywordAction =
    kind === 'vote' && vote.options.every((each) => each.word !== '' && each.label !== '')
      ? { ...vote, kind, text: vote.text === '' ? 'x' : vote.text }
      : { kind: 'reply', text: 'x', questions: [] };
  const checked = useDebounced(JSON.stringify({ senderId, word, from, until, forCheck }), 300);
  const check = useQuery({
    queryKey: ['keyword-check', keyword?.id ?? 'new', checked],
    queryFn: () =>
      checkKeyword(keyword?.id ?? null, {
        ...input,
        action: forCheck,
      }),
    enabled: word.trim() !== '' && senderId !== '',
    retry: false,
  });
  const conflict = word.trim() === '' ? null : (check.data?.conflict ?? null);

  const save = async () => {
    if (keyword === null) await createKeyword(input);
    else await changeKeyword(keyword.id, input);
    onSaved();
    notify.done('Word saved');
  };
  const isProgramme = kind === 'join' || kind === 'leave';
  const begin = (template: KeywordTemplate) => {
    if (word.trim() === '') setWord(template.word);
    setKind(template.action.kind);
    if (template.action.kind === 'reply') {
      setText(template.action.text);
      setQuestions(template.action.questions);
      setClosing(template.action.closing ?? '');
      setNext('');
    }
    if (template.action.kind === 'vote') setVote(template.action);
  };
  const setQuestion = (index: number, change: Partial<KeywordQuestion>) =>
    setQuestions(questions.map((each, at) => (at === index ? { ...each, ...change } : each)));

  return (
    <FormDialog
      title={keyword === null ? 'Add word' : `Change ${keyword.word}`}
      saveLabel="Save"
      onSave={save}
      onClose={onClose}
      testId="word-save"
      isReady={!Object.values(dates).includes('half')}
    >
      {keyword === null && <TemplateChoice onChoose={begin} />}
      <div className={css.two}>
        <TextField
          label="Word"
          description="Case, accents and punctuation do not matter."
          value={word}
          onChange={(event) => setWord(event.currentTarget.value)}
          error={conflict}
          required
          withAsterisk={false}
          data-autofocus
          data-testid="word-text"
        />
        <SelectField
          label="Texted to"
          description="One word counts at one number."
          value={senderId}
          onChange={(event) => setSender(event.currentTarget.value)}
          data={numbers.map((each) => ({ value: each.id, label: each.label }))}
        />
        <SelectField
          label="What it does"
          value={kind}
          onChange={(event) => setKind(event.currentTarget.value as KeywordAction['kind'])}
          data={[
            { value: 'join', label: 'Joins a programme' },
            { value: 'leave', label: 'Leaves a programme' },
            { value: 'reply', label: 'Answers, and may ask questions' },
            { value: 'vote', label: 'Asks for a vote' },
          ]}
          data-testid="word-kind"
        />
        {isProgramme && (
          <SelectField
            label="Programme"
            value={programmeId}
            onChange={(event) => setProgramme(event.currentTarget.value)}
            data={ofSender.map((each) => ({
              value: each.id,
              label: each.ended_at === null ? each.name : `${each.name} (ended)`,
            }))}
          />
        )}
        <DateField
          label="Counts from"
          type="datetime-local"
          value={from}
          onDate={setFrom}
          onTyped={put('from')}
        />
        <DateField
          label="Counts until"
          type="datetime-local"
          value={until}
          onDate={setUntil}
          onTyped={put('until')}
        />
      </div>
      {kind === 'vote' && <VoteFields vote={vote} onChange={setVote} onTyped={put('vote')} />}
      {isProgramme && ofSender.length === 0 && (
        <Notice tone="warn">This number has no programme yet. Add the programme first.</Notice>
      )}
      {kind === 'reply' && (
        <>
          <TextArea
            label="Answer"
            description="{brand} is filled in. With questions it may be empty."
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            rows={2}
            autosize
            data-testid="word-answer"
          />
          {questions.map((question, index) => (
            <div key={index} className={css.question}>
              <TextField
                label={`Question ${index + 1}`}
                value={question.text}
                onChange={(event) => setQuestion(index, { text: event.currentTarget.value })}
              />
              <TextField
                label="Fills the field"
                placeholder="email, shoe_size …"
                value={question.attribute}
                onChange={(event) => setQuestion(index, { attribute: event.currentTarget.value })}
              />
              <Button
                emphasis="quiet"
                onClick={() => setQuestions(questions.filter((_, at) => at !== index))}
              >
                Remove
              </Button>
            </div>
          ))}
          <div>
            <Button
              emphasis="secondary"
              size="xs"
              onClick={() => setQuestions([...questions, { text: '', attribute: '' }])}
            >
              Add a question
            </Button>
          </div>
          {questions.length > 0 && (
            <TextArea
              label="After the last answer"
              description="Empty sends nothing."
              value={closing}
              onChange={(event) => setClosing(event.currentTarget.value)}
              rows={2}
              autosize
            />
          )}
          <TextField
            label="Then go on with the word"
            description="Another word of this number; empty ends here."
            value={next}
            onChange={(event) => setNext(event.currentTarget.value)}
          />
        </>
      )}
    </FormDialog>
  );
}
