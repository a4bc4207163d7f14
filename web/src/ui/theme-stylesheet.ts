import { DEFAULT_THEME, defaultCssVariablesResolver, mergeMantineTheme } from '@mantine/core';
import { theme, tokens } from './theme.ts';

/** Palettes of the library that nothing of ours uses; their variables would only be weight. */
const UNUSED =
  /^--mantine-color-(pink|grape|violet|indigo|cyan|teal|lime|orange|green|yellow|blue)-/;

function block(selector: string, variables: Record<string, string>): string {
  const lines = Object.entries(variables)
    .filter(([name]) => !UNUSED.test(name))
    .map(([name, value]) => `${name}:${value};`);
  return `${selector}{${lines.join('')}}\n`;
}

function tokenValues(scheme: 'light' | 'dark'): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tokens).map(([name, token]) => [`--sg-${name}`, token[scheme]]),
  );
}

const MANTINE_FROM_TOKENS: Record<string, string> = {
  '--mantine-color-body': 'var(--sg-surface)',
  '--mantine-color-text': 'var(--sg-text)',
  '--mantine-color-bright': 'var(--sg-text)',
  '--mantine-color-dimmed': 'var(--sg-muted)',
  '--mantine-color-placeholder': 'var(--sg-muted)',
  '--mantine-color-anchor': 'var(--sg-accent)',
  '--mantine-color-error': 'var(--sg-danger)',
  '--mantine-color-default': 'var(--sg-raised)',
  '--mantine-color-default-hover': 'var(--sg-hover)',
  '--mantine-color-default-border': 'var(--sg-border-strong)',
  '--mantine-color-default-color': 'var(--sg-text)',
};

/** The theme as one stylesheet: variables of the library and our tokens, for light and dark. */
export function themeStylesheet(): string {
  const resolved = defaultCssVariablesResolver(mergeMantineTheme(DEFAULT_THEME, theme));
  const scheme = (name: 'light' | 'dark') =>
    block(`:root[data-mantine-color-scheme="${name}"]`, {
      ...resolved[name],
      ...tokenValues(name),
      ...MANTINE_FROM_TOKENS,
      '--mantine-color-scheme': name,
    });
  return block(':root', resolved.variables) + scheme('light') + scheme('dark');
}
