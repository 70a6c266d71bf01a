/** The command line as one file of JavaScript: a process of it starts in a fraction of the time that the sources take. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Writes it into a folder; native packages are left where they are. @returns the file to run, where its module of processes is as well */
export async function executable(folder: string): Promise<string> {
  const out = join(folder, 'dist/cli');
  await build({
    absWorkingDir: root,
    entryPoints: { main: 'src/cli/main.ts', process: 'src/cli/sweep/process.ts' },
    ...{ outdir: out, bundle: true, splitting: true, format: 'esm' },
    ...{
      platform: 'node',
      target: 'node20',
      external: ['koffi', 'webgpu', 'bullmq', 'ioredis'],
      logLevel: 'error',
    },
    banner: {
      js: `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`,
    },
  });
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));
  return join(out, 'main.js');
}
