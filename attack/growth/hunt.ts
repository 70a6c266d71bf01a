/** Graphs that grow: no command may take time that grows faster than the cube of the blocks, nor end with the stack. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Finding, Hunt } from '../hunt.ts';
import { type LimitedOptions, LimitedProcess } from '../limited/process.ts';
import type { GrowthAnswer, GrowthJob } from './child.ts';
import { type Family, GROWTH } from './families.ts';

/** Exponent of the growth that is allowed, with room for what caches and garbage do to small times. */
const MOST_EXPONENT = 3.6;
/** Seconds of the processor under which no growth is looked at. */
const NOTICEABLE = 1.5;
/** Beyond this the next size would come near the limit without being faulty. */
const ENOUGH = 12;

const CHEAP = [
  '--engine',
  'cpu',
  '--no-lower',
  '--evaluations',
  '2',
  '--time-limit',
  '5',
  '--memory',
  '1000',
];

/** What is done with every graph; MODEL, OUT and CERTIFICATE stand for files. */
export const STEPS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  inspect: [['inspect', 'MODEL']],
  'spectral product': [['bound', 'MODEL', '--method', 'spectral-product', ...CHEAP]],
  'closed forms': [['bound', 'MODEL', '--method', 'closed-form', '--rule', 'SN(1)', ...CHEAP]],
  default: [['bound', 'MODEL', ...CHEAP]],
  'lower bound': [['bound', 'MODEL', '--method', 'spectral-product', '--engine', 'cpu', '--memory', '1000']],
  margins: [['bound', 'MODEL', '--target', 'margins', ...CHEAP]],
  'any length': [
    ['bound', 'MODEL', '--method', 'closed-form', '--rule', 'SN(1)', '--length', 'any', ...CHEAP],
  ],
  certificate: [
    [
      'bound',
      'MODEL',
      '--method',
      'closed-form',
      '--rule',
      'GC(1.5)',
      '--certificate',
      'CERTIFICATE',
      ...CHEAP,
    ],
    ['verify', 'CERTIFICATE', 'MODEL'],
  ],
  'export-sdp': [['export-sdp', 'MODEL', '--formulation', 'lipsdp', '--out', 'OUT']],
};

const PAIRS = GROWTH.flatMap((family) => Object.keys(STEPS).map((step) => ({ family, step })));
/** Has no factor in common with the number of pairs, so that consecutive seeds go through all of them, far apart. */
const STRIDE = 101;

export class GrowthHunt implements Hunt {
  readonly name = 'growth';
  readonly unit = 'graphs';
  readonly #child: LimitedProcess<GrowthJob, GrowthAnswer>;
  readonly #folder = mkdtempSync(join(tmpdir(), 'lipsoid-growth-'));

  constructor({ child, limits }: LimitedOptions = {}) {
    this.#child = new LimitedProcess(child ?? new URL('child.ts', import.meta.url), limits);
  }

  trial(seed: number): Promise<Finding | undefined> {
    const { family, step } = PAIRS[(seed * STRIDE) % PAIRS.length]!;
    return this.grow(family, step, seed);
  }

  /** One family through its sizes. */
  async grow({ name, sizes, make }: Family, step: string, seed: number): Promise<Finding | undefined> {
    let before: { readonly size: number; readonly seconds: number } | undefined;
    for (const size of sizes) {
      const bytes = make(size);
      const model = this.#path('model.onnx');
      writeFileSync(model, bytes);
      const finding = (fault: string): Finding => ({
        ...{ hunt: this.name, seed, fault: `${step} of ${size} blocks of ${name}: ${fault}` },
        files: new Map([['model.onnx', bytes]]),
        reproduce: STEPS[step]!.map((argv) => `lipsoid ${argv.map(shown).join(' ')}`).join('; '),
      });
      const commands = STEPS[step]!.map((argv) =>
        argv.map((word) => (word in FILES ? this.#path(shown(word)) : word)),
      );
      const outcome = await this.#child.run({ commands });
      if (outcome.kind === 'failed') return finding(outcome.fault);
      const { code, seconds, text } = outcome.value;
      if (code !== 0 && code !== 1 && code !== 2) return finding(`exit code ${code}: ${text.slice(0, 300)}`);
      if (before && seconds > NOTICEABLE) {
        const exponent = Math.log(seconds / Math.max(before.seconds, 0.02)) / Math.log(size / before.size);
        if (exponent > MOST_EXPONENT)
          return finding(
            `takes ${seconds.toFixed(1)} s of the processor, ${before.size} blocks ${before.seconds.toFixed(2)} s: grows with the power ${exponent.toFixed(1)}`,
          );
      }
      if (seconds > ENOUGH) return undefined;
      before = { size, seconds };
    }
    return undefined;
  }

  async close(): Promise<void> {
    await this.#child.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

const FILES: Readonly<Record<string, string>> = {
  MODEL: 'model.onnx',
  OUT: 'problem.dat-s',
  CERTIFICATE: 'c.json',
};

function shown(word: string): string {
  return FILES[word] ?? word;
}
