/**
 * Bundles the bench for a machine that has neither network nor node_modules: `npm run bench:bundle -- [folder]`, by default .gpu/bench.
 * Everything is in it but native code: Dawn (the package webgpu) has to be there already, koffi (for OpenBLAS) is put beside it.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';
import { ROOT } from './steps.mjs';

/** The machine that it is for. */
const PLATFORM = 'linux-x64';

const folder = resolve(process.argv[2] ?? `${ROOT}/.gpu/bench`);

function versionOf(manifest) {
  return JSON.parse(readFileSync(`${ROOT}/${manifest}`, 'utf8')).version;
}

const versions = {
  lipsoid: versionOf('package.json'),
  webgpu: versionOf('node_modules/webgpu/package.json'),
  tfjs: versionOf('node_modules/@tensorflow/tfjs/package.json'),
};

rmSync(folder, { recursive: true, force: true });
mkdirSync(`${folder}/node_modules`, { recursive: true });
await build({
  entryPoints: {
    bench: `${ROOT}/bench/all.ts`,
    gpu: `${ROOT}/bench/gpu.ts`,
    phases: `${ROOT}/bench/phases.ts`,
    files: `${ROOT}/bench/files.ts`,
    // As deep as in the package, whose manifest it reads.
    'dist/cli/main': `${ROOT}/src/cli/main.ts`,
  },
  ...{
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  },
  // One copy of TensorFlow.js's core, whoever asks for it.
  mainFields: ['module', 'main'],
  external: ['webgpu', 'koffi'],
  define: { BENCH_VERSIONS: JSON.stringify(versions) },
  // For packages that are no modules yet.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
  outdir: folder,
});
writeFileSync(`${folder}/package.json`, `${JSON.stringify({ type: 'module', version: versions.lipsoid })}\n`);
cpSync(`${ROOT}/bench/export_torchvision.py`, `${folder}/export_torchvision.py`);
for (const name of ['koffi', `@koromix/koffi-${PLATFORM}`]) {
  cpSync(`${ROOT}/node_modules/${name}`, `${folder}/node_modules/${name}`, { recursive: true });
}
console.log(`${folder}/bench.js and gpu.js: run them with node where the package webgpu can be found`);
