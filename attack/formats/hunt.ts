/**
 * Mutated files of other formats than ONNX. A file may get a bound or one of the two errors that say why not; nothing else may happen, in a
 * minute and 2 GB. A bound holds for the network that was read; where a check sum is over all that was changed, this is the network
 * that it was before.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileAnswer, FileJob } from '../files/child.ts';
import { steeper } from '../files/hunt.ts';
import type { Finding, Hunt } from '../hunt.ts';
import { type LimitedOptions, LimitedProcess } from '../limited/process.ts';
import { Random } from '../random.ts';
import { Tally } from '../tally.ts';
import { MODELS, type Model } from './corpus.ts';
import { drawChanges, isSealed, mutated } from './mutate.ts';

const CHEAP = [
  '--engine',
  'cpu',
  '--no-lower',
  '--evaluations',
  '1',
  '--time-limit',
  '5',
  '--memory',
  '1000',
];

/** Trials after which the child is replaced. */
const FILES_PER_CHILD = 500;

export class FormatsHunt implements Hunt {
  readonly name = 'formats';
  readonly unit = 'files';
  readonly #ours: LimitedProcess<FileJob, FileAnswer>;
  readonly #root = mkdtempSync(join(tmpdir(), 'lipsoid-formats-'));
  #trials = 0;
  /** How files of each format ended. */
  readonly tally = new Tally();

  constructor({ limits, child }: LimitedOptions = {}) {
    this.#ours = new LimitedProcess(child ?? new URL('../files/child.ts', import.meta.url), limits);
  }

  async trial(seed: number): Promise<Finding | undefined> {
    // The library for HDF5 gets tired of broken files: beyond thousands it traps, and reads none any more.
    if (++this.#trials % FILES_PER_CHILD === 0) await this.#ours.close();
    const random = new Random(seed);
    const model = random.pick(MODELS);
    const changes = drawChanges(model, random);
    const files = mutated(model, changes);
    const fault = await this.#judge(model, files, isSealed(model, changes), seed);
    if (fault === undefined) return undefined;
    const names = changes.map(({ kind, file }) => `${kind} of ${file}`).join(', ');
    return {
      ...{ hunt: this.name, seed, fault: `${model.name} with other ${names}: ${fault}`, files },
      reproduce: `lipsoid bound ${model.main}`,
    };
  }

  async close(): Promise<void> {
    await this.#ours.close();
    rmSync(this.#root, { recursive: true, force: true });
  }

  async #judge(
    model: Model,
    files: ReadonlyMap<string, Uint8Array>,
    sealed: boolean,
    seed: number,
  ): Promise<string | undefined> {
    const ours = await this.#ours.run(this.#job(model, files, seed));
    if (ours.kind === 'failed') return ours.fault;
    const { faults, bounds, values } = ours.value;
    if (faults.length > 0) return faults[0];
    const count = (outcome: string) => void this.tally.count('outcomes', `${model.name}: ${outcome}`);
    if (bounds.length === 0) return count('refused');
    if (!values) return count('bounded, not evaluated');
    if (sealed) {
      const before = await this.#ours.run(this.#job(model, model.files, seed));
      const same =
        before.kind === 'done' && JSON.stringify(images(before.value)) === JSON.stringify(images(ours.value));
      if (!same) return 'is bounded as another network, although its check sums tell';
    }
    return steeper(values, values.images, bounds, 'the network that was read') ?? count('bounded');
  }

  /** A folder with the files, and what is asked of them. */
  #job({ main }: Model, files: ReadonlyMap<string, Uint8Array>, seed: number): FileJob {
    const folder = join(this.#root, 'trial');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
    const path = `@/${main}`;
    const weights = [...files.keys()].find((name) => name !== main) ?? main;
    const commands = [
      ['bound', path, '--json', ...CHEAP],
      ['bound', path, '--method', 'spectral-product', ...CHEAP],
      ['describe', `@/${weights}`],
    ];
    return { folder, model: main, commands, seed };
  }
}

/** What the network makes of the points that a seed draws. */
function images({ values }: FileAnswer): number[][] | undefined {
  return values?.images.map((image) => [...image]);
}
