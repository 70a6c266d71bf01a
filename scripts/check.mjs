/**
 * Everything that has to hold before a change goes in: `npm run check`. Installs what is missing, builds, bounds
 * an example, lints, type-checks, checks the package, runs every test. The last line counts the tests of all runners.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPackages, requireNode, run, runTogether, step, succeeds } from './steps.mjs';

/** Debian packages that tests need, each with a way to see that it is there. */
const SYSTEM_PACKAGES = [
  { name: 'libopenblas0-pthread', present: 'ldconfig -p | grep -qF libopenblas.so.0' },
  // CSDP, the referee of the bounds.
  { name: 'coinor-csdp', present: 'command -v csdp' },
  // SwiftShader, for WebGPU in Node and in the browser without a GPU.
  { name: 'chromium', present: 'test -e /usr/lib/chromium/vk_swiftshader_icd.json' },
  // The page must work in it too: it collects garbage that Chromium keeps.
  { name: 'firefox-esr', present: 'test -x /usr/bin/firefox-esr' },
  // ONNX's own models with their values.
  { name: 'libonnx-testdata', present: 'test -d /usr/share/libonnx-testdata/data' },
  // What docs/python/lipsoid.py runs in.
  { name: 'python3', present: 'command -v python3' },
  // Shells that complete command lines; bash is everywhere.
  { name: 'zsh', present: 'command -v zsh' },
  { name: 'fish', present: 'command -v fish' },
  // The queue of sweeps and workers.
  { name: 'redis-server', present: 'command -v redis-server' },
  // llvmpipe, for WebGPU in Deno.
  { name: 'mesa-vulkan-drivers', present: 'ls /usr/share/vulkan/icd.d/lvp_icd.*.json' },
];

function installSystemPackages() {
  const missing = SYSTEM_PACKAGES.filter(({ name, present }) => {
    const installed = succeeds('dpkg', ['-s', name]) || succeeds('sh', ['-c', present]);
    if (installed) console.log(`    ${name} is installed`);
    return !installed;
  }).map(({ name }) => name);
  if (missing.length === 0) return;

  const wanted = `tests need ${missing.join(', ')}`;
  if (!succeeds('sh', ['-c', 'command -v apt-get'])) {
    throw new Error(`${wanted} (Debian's name): install it with this system's package manager`);
  }
  const root = process.getuid?.() === 0;
  if (!root && !succeeds('sudo', ['-n', 'true'])) {
    throw new Error(`${wanted}: run "apt-get install ${missing.join(' ')}" as root`);
  }
  const environment = { DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) =>
    root ? run('apt-get', args, { environment }) : run('sudo', ['-n', 'apt-get', ...args], { environment });
  // Fresh containers come without package lists.
  apt('update');
  apt('install', '--yes', '--no-install-recommends', ...missing);
}

/** Counts of all test runners so far. */
const counts = { passed: 0, failed: 0 };

function count({ passed, failed }) {
  counts.passed += passed;
  counts.failed += failed;
}

function runVitest() {
  const folder = mkdtempSync(join(tmpdir(), 'lipsoid-check-'));
  const report = join(folder, 'vitest.json');
  try {
    run('npx', [
      '--no-install',
      'vitest',
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile=${report}`,
    ]);
  } finally {
    count(vitestCounts(report));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A runner that died before its report was written counts as one failure. */
function vitestCounts(report) {
  try {
    const {
      numPassedTests: passed,
      numFailedTests: failed,
      success,
    } = JSON.parse(readFileSync(report, 'utf8'));
    // A file that cannot even be loaded fails without a failed test.
    return { passed, failed: success ? failed : Math.max(1, failed) };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

/** The hunter says itself how many of its findings are faults; without a word it has failed. What it starts is built already. */
function runHunter() {
  run('npx', ['--no-install', 'tsx', 'attack/main.ts', '--check'], {
    read: (output) => count(printedCounts(output)),
  });
}

/** The last line "N passed, N failed". */
function printedCounts(output) {
  const last = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1);
  return last ? { passed: Number(last[1]), failed: Number(last[2]) } : { passed: 0, failed: 1 };
}

await step('Node.js 20 or later', () => requireNode(20));
await step('npm packages', installPackages);
await step('system packages', installSystemPackages);
await step('quickstart', () => run('npm', ['run', '--silent', 'quickstart']));
// What npm's scripts would generate first is there from the build.
await step('lint (biome), types (tsc), package (publint)', () =>
  runTogether(
    ['npm', 'run', '--silent', 'lint'],
    ['npx', '--no-install', 'tsc', '-p', 'tsconfig.json'],
    ['npx', '--no-install', 'tsc', '-p', 'kernels'],
    ['npx', '--no-install', 'publint', 'run', '--strict'],
  ),
);
process.on('exit', () => console.log(`\n${counts.passed} passed, ${counts.failed} failed`));
await step('tests (vitest)', runVitest);
await step('hunter (attack)', runHunter);
