/** So many of something, in the form of the word that fits: `1 row`, `1,204 rows`. */
export const counted = (count: number, one: string, many: string): string =>
  `${count.toLocaleString()} ${count === 1 ? one : many}`;
