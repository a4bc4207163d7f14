/** What a field holds in which several values are separated by commas; blank ones are none. */
export const wordsOf = (text: string): string[] =>
  text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');

/** Such values as the field shows them. */
export const listOf = (words: readonly string[]): string => words.join(', ');
