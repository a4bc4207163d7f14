import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';

const SOURCE = fileURLToPath(new URL('../src/boot/color-scheme.js', import.meta.url));

/**
 * Puts the light/dark choice into the head as a blocking external script: inline scripts are refused
 * by the policy, and a module would run after the first paint and flash the wrong scheme.
 */
export function colorSchemeScript(): Plugin {
  let serving = false;
  let fileName = '';
  return {
    name: 'segue-color-scheme-script',
    configResolved(config) {
      serving = config.command === 'serve';
    },
    buildStart() {
      if (serving) return;
      const source = readFileSync(SOURCE, 'utf8');
      const hash = createHash('sha256').update(source).digest('base64url').slice(0, 8);
      fileName = `assets/color-scheme-${hash}.js`;
      this.emitFile({ type: 'asset', fileName, source });
    },
    transformIndexHtml() {
      const src = serving ? '/src/boot/color-scheme.js' : `/${fileName}`;
      return [{ tag: 'script', attrs: { src }, injectTo: 'head-prepend' }];
    },
  };
}
