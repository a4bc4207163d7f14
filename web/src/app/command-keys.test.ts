import { describe, expect, it } from 'vitest';

const sources = import.meta.glob<string>(['/src/**/*.{ts,tsx}', '!/src/**/*.test.{ts,tsx}'], {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** Folders whose commands stand on a page of their own, so beside those of every page alone. */
const PAGES = ['/src/features/consent/', '/src/features/inbox/'];
/** What the inbox shows beside its list. */
const INBOX = ['/src/app/InboxPage', '/src/features/conversation/', '/src/features/customer/'];

function pageOf(path: string): string {
  if (INBOX.some((each) => path.startsWith(each))) return '/src/features/inbox/';
  return PAGES.find((each) => path.startsWith(each)) ?? 'every page';
}

const keysIn = (source: string) => [
  ...[...source.matchAll(/\bkeys: '([^']+)'/g)].map((found) => found[1] ?? ''),
  // The places of the rail name theirs beside their path.
  ...[...source.matchAll(/'\/[a-z]+': '(g .)'/g)].map((found) => found[1] ?? ''),
];

const commands = Object.entries(sources).flatMap(([path, source]) =>
  keysIn(source).map((keys) => ({ path, page: pageOf(path), keys })),
);

describe('the keys of commands', () => {
  it.each(PAGES)('are one command each on the page of %s', (page) => {
    const there = commands.filter((each) => each.page === page || each.page === 'every page');
    expect(there.length).toBeGreaterThan(15);
    const twice = there.filter(
      (each) => there.filter((other) => other.keys === each.keys).length > 1,
    );
    expect(twice).toEqual([]);
  });

  it('of one key begin no sequence', () => {
    const begins = new Set(
      commands.filter((each) => each.keys.includes(' ')).map((each) => each.keys.split(' ')[0]),
    );
    expect(commands.filter((each) => begins.has(each.keys))).toEqual([]);
  });
});
