import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tokens } from './theme';

describe('colours of style sheets', () => {
  it('are all in the theme: a misspelt one is no colour at all, and nothing says so', () => {
    const files = readdirSync('src', { recursive: true, encoding: 'utf8' });
    const sheets = files.filter((file) => file.endsWith('.css'));
    const unknown = sheets.flatMap((file) =>
      [...readFileSync(`src/${file}`, 'utf8').matchAll(/var\(--sg-([a-z0-9-]+)/g)]
        .map(([, name]) => name ?? '')
        .filter((name) => !(name in tokens))
        .map((name) => `${file}: ${name}`),
    );
    expect(sheets.length).toBeGreaterThan(20);
    expect(unknown).toEqual([]);
  });
});
