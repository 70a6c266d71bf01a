/** Builds dist/, what people install: JavaScript and declarations of src/. `npm run build` */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run } from './steps.mjs';

const dist = join(ROOT, 'dist');
rmSync(dist, { recursive: true, force: true });
run('npx', ['--no-install', 'tsc', '-p', 'tsconfig.build.json']);
for (const end of ['js', 'd.ts'])
  cpSync(join(ROOT, `src/engine/webgl/library.${end}`), join(dist, `engine/webgl/library.${end}`));

/** Replaces a text in a file of dist/. @throws where it is not there */
function rewrite(file, from, to) {
  const before = readFileSync(file, 'utf8');
  const after = before.replaceAll(from, to);
  if (after === before) throw new Error(`${file}: must contain ${from}`);
  writeFileSync(file, after);
}

// TypeScript renames what JavaScript imports, but neither what declarations import, in which Deno looks for the name that is
// written, nor scripts of workers.
for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  const file = join(dist, name);
  if (name.endsWith('.d.ts') && /['"]\.[^'"]*\.ts['"]/.test(readFileSync(file, 'utf8')))
    rewrite(file, /(['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2');
}
rewrite(
  join(dist, 'worker/worker.js'),
  "new URL('./script.ts', import.meta.url)",
  "new URL('./script.js', import.meta.url)",
);
