import { gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

/** What the shell with the inbox may weigh, gzipped; every other page is a chunk of its own. */
const LIMITS = { js: 200_000, css: 25_000, chunk: 60_000 };

/** Fails the build when the first load or a page's own chunk has grown over its budget. */
export function budget(): Plugin {
  return {
    name: 'segue-budget',
    apply: 'build',
    generateBundle(_, bundle) {
      const size = (content: string | Uint8Array) => gzipSync(content, { level: 9 }).length;
      const check = (what: string, bytes: number, limit: number) => {
        if (bytes > limit)
          this.error(`${what} weighs ${bytes} bytes gzipped; its budget is ${limit}.`);
      };
      for (const file of Object.values(bundle)) {
        if (file.type === 'chunk') {
          check(file.fileName, size(file.code), file.isEntry ? LIMITS.js : LIMITS.chunk);
        } else if (file.fileName.endsWith('.css')) {
          check(file.fileName, size(file.source), LIMITS.css);
        }
      }
    },
  };
}
