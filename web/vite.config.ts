import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { budget } from './build/budget.ts';
import { colorSchemeScript } from './build/color-scheme-script.ts';
import { precompress } from './build/precompress.ts';
import { themeCss } from './build/theme-css.ts';

const backend = process.env.SEGUE_URL ?? 'http://127.0.0.1:8480';

export default defineConfig({
  plugins: [react(), themeCss(), colorSchemeScript(), budget(), precompress()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    // light-dark() must stay as it is: its fallback needs a fixed color-scheme, ours can be switched.
    target: ['chrome123', 'edge123', 'firefox128', 'safari17.5'],
    // Every asset is a file of our own origin, so the page needs no `data:` source in its policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
  },
  server: {
    host: '127.0.0.1',
    port: 5173,
    proxy: { '/api': backend, '/l/': backend, '/webhooks': backend },
  },
});
