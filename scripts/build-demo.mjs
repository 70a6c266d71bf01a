/**
 * Builds the page and weighs it: what a browser fetches before anybody has chosen a network, compressed, must stay within a
 * budget. Lazily loaded parts and the examples do not count. `npm run build:demo` or `node scripts/build-demo.mjs [FOLDER]`
 */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

/** Bytes after gzip. */
const BUDGET = 300_000;

const root = fileURLToPath(new URL('../demo/', import.meta.url));
const output = process.argv[2] ?? fileURLToPath(new URL('../dist-demo/', import.meta.url));

/** Names of files that some other file of the page imports only when it needs them. */
async function lazyNames(folder, names) {
  const manifest = JSON.parse(await readFile(join(folder, '.vite/manifest.json'), 'utf8'));
  const lazy = new Set(
    Object.values(manifest)
      .filter((chunk) => chunk.isDynamicEntry)
      .flatMap((chunk) => [chunk.file, ...(chunk.css ?? [])]),
  );
  // What the worker imports is in no manifest.
  const importers = new Map();
  for (const name of names.filter((n) => n.endsWith('.js'))) {
    const text = await readFile(join(folder, name), 'utf8');
    for (const [, file] of text.matchAll(/import\(["'`]\.\/([^"'`]+)["'`]\)/g))
      lazy.add(join(dirname(name), file));
    for (const [, file] of text.matchAll(/(?:from|import)["'`]\.\/([^"'`]+)["'`]/g)) {
      const imported = join(dirname(name), file);
      importers.set(imported, [...(importers.get(imported) ?? []), name]);
    }
  }
  // What only these import comes with them; the page and its worker come first, whoever else imports what is in them.
  const entries = new Set(
    Object.values(manifest)
      .filter((chunk) => chunk.isEntry)
      .map((chunk) => chunk.file),
  );
  const isRoot = (file) => entries.has(file) || /(^|\/)worker-[^/]*$/.test(file);
  for (let before = -1; before !== lazy.size; ) {
    before = lazy.size;
    for (const [file, own] of importers) {
      if (!isRoot(file) && own.every((name) => lazy.has(name))) lazy.add(file);
    }
  }
  return lazy;
}

/** Sizes after gzip of the files that the page loads at once, largest first; `lazy` the sum of the others. */
async function weigh(folder) {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((name) => !name.startsWith('.vite/') && !name.endsWith('.onnx') && !name.endsWith('.map'));
  const lazy = await lazyNames(folder, names);
  const files = await Promise.all(
    names.map(async (name) => ({
      name,
      // Fonts are compressed already, and gzip says so.
      bytes: gzipSync(await readFile(join(folder, name))).length,
      lazy: lazy.has(name),
    })),
  );
  files.sort((a, b) => b.bytes - a.bytes);
  const sum = (list) => list.reduce((total, { bytes }) => total + bytes, 0);
  return {
    files,
    atOnce: sum(files.filter((f) => !f.lazy)),
    lazy: sum(files.filter((f) => f.lazy)),
  };
}

await build({
  root,
  configFile: `${root}vite.config.ts`,
  logLevel: 'warn',
  build: { outDir: output, emptyOutDir: true },
});
const weight = await weigh(output);
for (const { name, bytes, lazy } of weight.files) {
  console.log(`${String(bytes).padStart(9)}  ${name}${lazy ? ' (lazy)' : ''}`);
}
console.log(
  `${String(weight.atOnce).padStart(9)}  at once, of ${BUDGET}; ${weight.lazy} with the first chart and the engine webgl`,
);
if (!(weight.atOnce <= BUDGET)) {
  console.error(`build:demo: the page must weigh at most ${BUDGET} bytes after gzip, got ${weight.atOnce}`);
  process.exit(1);
}
