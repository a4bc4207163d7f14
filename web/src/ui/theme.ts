import { createTheme, type MantineColorsTuple } from '@mantine/core';

/** Brand colour: deep sea green, dark enough at shade 8 for white text. */
const sea: MantineColorsTuple = [
  '#e7f5f2',
  '#cfe9e4',
  '#a3d6cd',
  '#74c2b5',
  '#4cb0a1',
  '#2f9d8d',
  '#1c8979',
  '#117567',
  '#0b6459',
  '#074d44',
];

const slate: MantineColorsTuple = [
  '#f6f7f6',
  '#eef0ef',
  '#e2e6e4',
  '#d0d6d3',
  '#b3bcb8',
  '#8a9590',
  '#68736f',
  '#505b57',
  '#38423f',
  '#1d2523',
];

const night: MantineColorsTuple = [
  '#e6ebe9',
  '#c6cfcc',
  '#a4afab',
  '#7e8a86',
  '#3d4845',
  '#29312f',
  '#1d2422',
  '#161c1a',
  '#111715',
  '#0f1413',
];

const red: MantineColorsTuple = [
  '#fdeceb',
  '#fad5d2',
  '#f5aba5',
  '#ee7c74',
  '#e5544a',
  '#d63b31',
  '#c32f26',
  '#ad261e',
  '#931f18',
  '#701610',
];

export const theme = createTheme({
  colors: { sea, gray: slate, dark: night, red },
  primaryColor: 'sea',
  primaryShade: { light: 8, dark: 7 },
  autoContrast: true,
  luminanceThreshold: 0.35,
  defaultRadius: 'md',
  radius: { xs: '4px', sm: '6px', md: '8px', lg: '12px', xl: '16px' },
  fontFamily:
    '"Inter", system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, monospace',
  fontSizes: { xs: '12px', sm: '13.5px', md: '14px', lg: '16px', xl: '20px' },
  lineHeights: { xs: '1.35', sm: '1.4', md: '1.5', lg: '1.5', xl: '1.4' },
  cursorType: 'pointer',
  respectReducedMotion: true,
});

interface Token {
  light: string;
  dark: string;
}

/**
 * What our own CSS is written with, as `var(--sg-<name>)`. Every text colour reaches 4.5:1 on every
 * surface it is used on, in both schemes; the accessibility run of the browser tests checks it.
 */
export const tokens: Record<string, Token> = {
  canvas: { light: '#f4f6f5', dark: '#0f1413' },
  surface: { light: '#ffffff', dark: '#161c1a' },
  raised: { light: '#ffffff', dark: '#1d2422' },
  sunken: { light: '#eef1ef', dark: '#111715' },
  hover: { light: '#f0f4f2', dark: '#1f2725' },
  selected: { light: '#e3f1ee', dark: '#17322d' },
  border: { light: '#e0e5e2', dark: '#29312f' },
  'border-strong': { light: '#c5cdc9', dark: '#3d4845' },
  text: { light: '#17201d', dark: '#e6ebe9' },
  muted: { light: '#55605c', dark: '#a4afab' },
  accent: { light: '#0b6459', dark: '#5cc9b8' },
  'accent-fill': { light: '#0b6459', dark: '#117567' },
  'accent-soft': { light: '#e3f1ee', dark: '#17322d' },
  'accent-line': { light: '#8fcabf', dark: '#2b6a5f' },
  'bubble-in': { light: '#ffffff', dark: '#222a28' },
  'bubble-out': { light: '#d8eee8', dark: '#154239' },
  'bubble-bot': { light: '#e8ecf8', dark: '#262c42' },
  'bubble-note': { light: '#fbf1d6', dark: '#3a3018' },
  danger: { light: '#ad261e', dark: '#ff968c' },
  'danger-soft': { light: '#fdeceb', dark: '#3b1d1b' },
  'danger-line': { light: '#f0b3ae', dark: '#6e332f' },
  warning: { light: '#824a00', dark: '#f1b964' },
  'warning-soft': { light: '#fdf0da', dark: '#38290f' },
  'warning-line': { light: '#ecc98d', dark: '#644b1f' },
  success: { light: '#14633a', dark: '#6bd396' },
  'success-soft': { light: '#e2f3e8', dark: '#153322' },
  info: { light: '#2c4c94', dark: '#a9bcff' },
  'info-soft': { light: '#e8edf9', dark: '#212a47' },
  shadow: {
    light: '0 1px 2px rgb(16 32 28 / 5%), 0 4px 16px rgb(16 32 28 / 6%)',
    dark: '0 1px 2px rgb(0 0 0 / 40%), 0 6px 20px rgb(0 0 0 / 35%)',
  },
  'shadow-high': {
    light: '0 2px 6px rgb(16 32 28 / 8%), 0 16px 48px rgb(16 32 28 / 16%)',
    dark: '0 2px 6px rgb(0 0 0 / 50%), 0 16px 48px rgb(0 0 0 / 60%)',
  },
};
