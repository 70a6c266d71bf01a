/** What has to be trusted is as small as docs/certificate.md says. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Lines that are neither empty nor comment alone. */
function linesOfCode(folder: string): number {
  return readdirSync(join(ROOT, folder))
    .flatMap((file) => readFileSync(join(ROOT, folder, file), 'utf8').split('\n'))
    .filter((line) => !/^\s*($|\/\/|\/\*|\*)/.test(line)).length;
}

it.each([
  'src/certificate/checker/',
  'src/certificate/reading/',
  'src/certificate/regions/',
  'src/certificate/exact/',
])('%s', (folder) => {
  const text = readFileSync(join(ROOT, 'docs/certificate.md'), 'utf8');
  const [, most] = text.match(new RegExp(`\`${folder}\`:[^.]*?at most (\\d+) lines of code`))!;
  const lines = linesOfCode(folder);
  expect(lines).toBeGreaterThan(200);
  expect(lines).toBeLessThanOrEqual(Number(most));
});

it.each(['src/certificate/checker/', 'src/certificate/regions/', 'src/certificate/exact/'])(
  '%s squares by products',
  (folder) => {
    // Engines may round powers differently; constants are powers of two.
    for (const file of readdirSync(join(ROOT, folder))) {
      for (const line of readFileSync(join(ROOT, folder, file), 'utf8').split('\n')) {
        if (!/^\s*(\/\/|\/\*|\*)/.test(line)) expect(line, file).not.toMatch(/(?<!\b(2|[A-Z]+)) \*\* /);
      }
    }
  },
);
