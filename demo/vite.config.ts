/** The page. `vite demo` serves it, `vite build demo` makes dist-demo/, which any static host can serve under any path. */
import { readFileSync } from 'node:fs';
import { defineConfig } from 'vite';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** Let the page be isolated from others; it works without, on hosts that cannot send headers. */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default defineConfig({
  base: './',
  define: { __VERSION__: JSON.stringify(version) },
  build: {
    outDir: '../dist-demo',
    emptyOutDir: true,
    target: 'es2023',
    manifest: true,
    // Networks and fonts stay files: the policy of the page lets nothing in that is written into its source.
    assetsInlineLimit: 0,
    // The preloading of lazy parts needs no polyfill in browsers that have WebAssembly SIMD.
    modulePreload: { polyfill: false },
  },
  worker: { format: 'es' },
  // Found before anybody drops a file: vite reloads the page when it meets a package that it does not know.
  optimizeDeps: {
    include: ['@bufbuild/protobuf', '@bufbuild/protobuf/codegenv2', 'hash-wasm', '@observablehq/plot'],
  },
  server: { headers },
  preview: { headers },
});
