import type { Plugin } from 'vite';
import { themeStylesheet } from '../src/ui/theme-stylesheet.ts';

const PUBLIC_ID = 'virtual:segue-theme.css';
const RESOLVED_ID = '\0segue-theme.css';

/**
 * Serves the design tokens as an ordinary stylesheet. Mantine would otherwise write them into a
 * `<style>` element at run time, which a policy of `style-src 'self'` refuses.
 */
export function themeCss(): Plugin {
  return {
    name: 'segue-theme-css',
    resolveId: (id) => (id === PUBLIC_ID ? RESOLVED_ID : undefined),
    load: (id) => (id === RESOLVED_ID ? themeStylesheet() : undefined),
  };
}
