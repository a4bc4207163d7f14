/** Most numbers in one request. */
export const MOST_NUMBERS = 10_000;

const cells = (line: string) => line.split(/[,;\t]/).map((cell) => cell.replaceAll('"', '').trim());

/** The numbers of a pasted list or a CSV file: the first cell of each line that has a digit. */
export function numbersOf(list: string): string[] {
  return list
    .split(/\r?\n/)
    .map((line) => cells(line)[0] ?? '')
    .filter((cell) => /\d/.test(cell));
}

/** Numbers with the day on which each was given up: `YYYY-MM-DD` or `YYYYMMDD` in the second column. */
export function deactivationsOf(list: string): { phone: string; on?: string }[] {
  return list
    .split(/\r?\n/)
    .map(cells)
    .filter(([phone = '']) => /\d/.test(phone))
    .map(([phone = '', day = '']) => {
      const match = /^(\d{4})-?(\d{2})-?(\d{2})/.exec(day);
      return match === null ? { phone } : { phone, on: `${match[1]}-${match[2]}-${match[3]}` };
    });
}

/** What became of numbers, with the first that could not be read. */
export function rejectedWords(rejected: { line: number; message: string }[]): string[] {
  const first = rejected[0];
  if (first === undefined) return [];
  return [`${rejected.length} not understood, the first is number ${first.line}: ${first.message}`];
}
