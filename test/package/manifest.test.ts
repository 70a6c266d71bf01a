/** What package.json promises to those who install the package. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  bin: Record<string, string>;
  exports: { '.': Record<string, Record<'types' | 'default', string>> };
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};

describe('package.json', () => {
  it('points at files that the build makes from a source', () => {
    const targets = [
      ...Object.values(manifest.bin),
      ...Object.values(manifest.exports['.']).flatMap((entry) => Object.values(entry)),
    ];
    expect(targets.length).toBeGreaterThan(4);
    for (const target of targets) {
      const source = target.replace(/^(\.\/)?dist\//, 'src/').replace(/(\.d\.ts|\.js)$/, '.ts');
      expect(existsSync(root + source), `${target} from ${source}`).toBe(true);
    }
  });

  it('gives Node and Deno the entry with files, everybody else the one for browsers', () => {
    const { node, deno, browser, default: other } = manifest.exports['.'];
    expect([node?.default, deno?.default]).toEqual(['./dist/index.js', './dist/index.js']);
    expect([browser?.default, other?.default]).toEqual([
      './dist/index.browser.js',
      './dist/index.browser.js',
    ]);
  });

  it('pins every version exactly', () => {
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });

  it('has an executable that starts with its interpreter', () => {
    expect(readFileSync(`${root}src/cli/main.ts`, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});
