/** Versions of what is measured. */
import { readFile } from 'node:fs/promises';

/** Set in a bundle, which has no package beside it. */
declare const BENCH_VERSIONS: Readonly<Record<string, string>> | undefined;

const manifests = {
  lipsoid: '../package.json',
  webgpu: '../node_modules/webgpu/package.json',
  'gpu.js': '../node_modules/gpu.js/package.json',
  tfjs: '../node_modules/@tensorflow/tfjs/package.json',
} as const;

export async function versions(): Promise<Readonly<Record<string, string>>> {
  if (typeof BENCH_VERSIONS !== 'undefined') return BENCH_VERSIONS;
  const found = Object.entries(manifests).map(async ([name, manifest]) => {
    const text = await readFile(new URL(manifest, import.meta.url), 'utf8');
    return [name, (JSON.parse(text) as { version: string }).version] as const;
  });
  return Object.fromEntries(await Promise.all(found));
}
