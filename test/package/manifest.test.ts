/** What package.json promises to those who install the package. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  bin: Record<string, string>;
  exports: { '.': Record<string, Record<'types' | 'default', string>> } & Record<
    './node' | './worker' | './worker-script',
    Record<'types' | 'default', string>
  >;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional: boolean }>;
};
const lock = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')) as {
  packages: Record<string, { optionalDependencies?: Record<string, string> }>;
};

describe('package.json', () => {
  it('points at files that the build makes from a source', () => {
    const targets = [
      ...Object.values(manifest.bin),
      ...Object.values(manifest.exports['.']).flatMap((entry) => Object.values(entry)),
      ...(['./node', './worker', './worker-script'] as const).flatMap((entry) =>
        Object.values(manifest.exports[entry]),
      ),
    ];
    expect(targets.length).toBeGreaterThan(10);
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
    const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest;
    const versions = { ...dependencies, ...devDependencies, ...optionalDependencies, ...peerDependencies };
    for (const [name, version] of Object.entries(versions)) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });

  it('leaves the queue to those who install it, in the version that is tested', () => {
    const { peerDependencies, peerDependenciesMeta, devDependencies } = manifest;
    const source = readFileSync(`${root}src/cli/sweep/queue.ts`, 'utf8');
    expect(Object.keys(peerDependencies)).toEqual(['bullmq', 'ioredis']);
    for (const [name, version] of Object.entries(peerDependencies)) {
      expect(peerDependenciesMeta[name]).toEqual({ optional: true });
      expect(devDependencies[name]).toBe(version);
      expect(source).toContain(`${name}@${version}`);
    }
  });

  // npm leaves out what it could not fetch when it wrote the lock file, and `npm ci` then refuses it.
  it('is locked for every platform, not only for the one that wrote the lock file', () => {
    const missing = Object.entries(lock.packages).flatMap(([parent, { optionalDependencies }]) =>
      Object.keys(optionalDependencies ?? {}).filter(
        (name) =>
          !(`node_modules/${name}` in lock.packages || `${parent}/node_modules/${name}` in lock.packages),
      ),
    );
    expect(missing).toEqual([]);
  });

  it('has an executable that starts with its interpreter', () => {
    expect(readFileSync(`${root}src/cli/main.ts`, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});
