import type { TextInputProps } from '@mantine/core';
import { useState } from 'react';
import { listOf, wordsOf } from '@/lib/word-list';
import { TextField } from './controls';

interface WordsFieldProps extends Omit<TextInputProps, 'value' | 'onChange' | 'type'> {
  words: readonly string[];
  onWords: (words: string[]) => void;
}

/** Several values in one field, separated by commas. What is typed stays as it is typed, also a comma at the end. */
export function WordsField({ words, onWords, ...rest }: WordsFieldProps) {
  const [typed, setTyped] = useState('');
  // Other values than the typed ones came from elsewhere.
  const isTyped = listOf(wordsOf(typed)) === listOf(words.filter((each) => each.trim() !== ''));
  return (
    <TextField
      {...rest}
      value={isTyped ? typed : listOf(words)}
      onChange={(event) => {
        const { value } = event.currentTarget;
        setTyped(value);
        onWords(wordsOf(value));
      }}
    />
  );
}
