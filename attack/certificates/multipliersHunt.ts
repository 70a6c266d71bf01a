/** Mutated multipliers: a search may start from anything, and what it ends with is a bound. */
import type { Finding, Hunt } from '../hunt.ts';
import { type LimitedOptions, LimitedProcess } from '../limited/process.ts';
import { changeJson, type Json, jsonText } from '../mutation/json.ts';
import { Random } from '../random.ts';
import { Tally } from '../tally.ts';
import type { CertificateAnswer, CertificateJob } from './child.ts';
import { Folders } from './folders.ts';
import { SPECIMENS, type Specimen } from './networks.ts';

interface Made {
  readonly specimen: Specimen;
  readonly folder: string;
  readonly multipliers: string;
}

interface Stored {
  version: Json;
  network: Json;
  path: Json;
  layers: { name: string; theta: Json[] }[];
}

const SEARCHED = SPECIMENS.filter(({ options }) => options.includes('refined'));
const THETA: readonly number[] = [
  0, -0, 1, -1, 5, -5, 40, -40, 300, -300, 700, -745, 1e4, -1e4, 1e308, -1e308,
];
const OPTIONS: readonly (readonly string[])[] = [
  ['--method', 'refined', '--evaluations', '0'],
  ['--method', 'refined', '--evaluations', '3'],
  ['--method', 'unrolled', '--evaluations', '2'],
  ['--evaluations', '1'],
  ['--method', 'refined', '--evaluations', '0', '--no-rigor'],
  ['--method', 'refined', '--evaluations', '1', '--target', 'margins'],
];

export class MultipliersHunt implements Hunt {
  readonly name = 'multipliers';
  readonly unit = 'files of multipliers';
  readonly #child: LimitedProcess<CertificateJob, CertificateAnswer>;
  readonly #folders = new Folders();
  readonly #made = new Map<Specimen, Made>();
  readonly tally = new Tally();

  constructor({ child, limits }: LimitedOptions = {}) {
    this.#child = new LimitedProcess(child ?? new URL('child.ts', import.meta.url), limits);
  }

  async trial(seed: number): Promise<Finding | undefined> {
    const random = new Random(seed);
    const { specimen, folder, multipliers } = await this.#make(random.pick(SEARCHED));
    const text = changed(multipliers, random);
    const options = random.pick(OPTIONS);
    const outcome = await this.#child.run({ kind: 'start', folder, text, options });
    if (outcome.kind === 'done')
      this.tally.count('outcomes', outcome.value.bounded ? 'gave a bound' : 'refused');
    const fault = outcome.kind === 'failed' ? outcome.fault : outcome.value.faults[0];
    if (fault === undefined) return undefined;
    return {
      hunt: this.name,
      seed,
      fault: `multipliers of ${specimen.name}: ${fault}`,
      files: new Map([
        ['model.onnx', specimen.model],
        ...specimen.external,
        ['m.json', new TextEncoder().encode(text)],
      ]),
      reproduce: `lipsoid bound model.onnx --multipliers m.json --engine cpu ${options.join(' ')}`,
    };
  }

  async close(): Promise<void> {
    await this.#child.close();
    this.#folders.remove();
  }

  async #make(specimen: Specimen): Promise<Made> {
    const known = this.#made.get(specimen);
    if (known) return known;
    const folder = this.#folders.write(specimen);
    const outcome = await this.#child.run({ kind: 'make', folder, options: specimen.options });
    if (outcome.kind === 'failed') throw new Error(`multipliers of ${specimen.name}: ${outcome.fault}`);
    const made = { specimen, folder, multipliers: outcome.value.multipliers! };
    this.#made.set(specimen, made);
    return made;
  }
}

function changed(multipliers: string, random: Random): string {
  const stored = JSON.parse(multipliers) as Stored;
  for (let k = random.pick([1, 1, 2, 3]); k > 0; k--) {
    const layer = random.pick(stored.layers);
    const at = random.integer(0, layer.theta.length - 1);
    switch (random.integer(0, 7)) {
      case 0:
      case 1:
        layer.theta[at] = random.pick(THETA);
        break;
      case 2:
        layer.theta = layer.theta.map(() => random.pick(THETA));
        break;
      case 3:
        layer.theta.splice(at, 1);
        break;
      case 4:
        stored.layers.reverse();
        break;
      case 5:
        stored.path = stored.path === 'torus' ? 'unrolled' : 'torus';
        break;
      case 6:
        layer.theta.push(...Array.from({ length: random.pick([1, 10, 1e5]) }, () => 0));
        break;
      default: {
        const theta = layer.theta.map((value) => Number(value) + 4 * random.next() - 2);
        layer.theta = theta;
      }
    }
    if (stored.layers.some(({ theta }) => theta.length === 0)) break;
  }
  // Last: what it leaves may be no multipliers any more.
  if (random.chance(0.4)) changeJson(stored as unknown as Json, random);
  return jsonText(stored as unknown as Json, random);
}
