/** One mutated file: what the command line says of it, and what the library reads it as. */
import '../limited/watchedFiles.ts';
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadNetwork } from '../../src/index.ts';
import { PreparedNetwork } from '../../src/network/evaluation/preparedNetwork.ts';
import type { Network } from '../../src/network/network.ts';
import { product } from '../../src/network/size.ts';
import { commandLine, type Spoken, sharedEngine } from '../limited/commandLine.ts';
import { serve } from '../limited/serve.ts';
import { readDuring } from '../limited/watchedFiles.ts';
import { hiddenCharacter } from '../mutation/text.ts';
import { norm } from '../norms.ts';
import { Random } from '../random.ts';

export interface FileJob {
  /** Holds the model and what it may read. */
  readonly folder: string;
  /** The model's file; absent: `model.onnx`. */
  readonly model?: string;
  /** Command lines, one after the other; `@/name` is a file of the folder. */
  readonly commands: readonly (readonly string[])[];
  readonly seed: number;
}

export interface FileAnswer {
  /** What must not happen, in words. */
  readonly faults: readonly string[];
  /** Decimal logarithm of every bound that was printed, with the command that gave it; −∞ for a bound of 0. */
  readonly bounds: readonly { readonly log10: number; readonly command: string }[];
  /** Absent where there is no bound, or the network is too large to look at. */
  readonly values?: Values;
}

/** The network at some points, as this project reads it. */
export interface Values {
  readonly output: string;
  /** Without the batch axis. */
  readonly shape: readonly number[];
  readonly points: readonly Float64Array[];
  readonly images: readonly Float64Array[];
  /** Of each image, what float32 may do to it: absolute. */
  readonly noise: readonly number[];
}

const EXIT_CODES = [0, 1, 2];
const REPOSITORY = realpathSync(fileURLToPath(new URL('../..', import.meta.url)));
const PROTOTYPES = [Object.prototype, Array.prototype, Function.prototype, String.prototype];
const MEMBERS = PROTOTYPES.map((p) => Object.getOwnPropertyNames(p).join());

/** Multiplications of one evaluation beyond which a network is not evaluated here. */
const MOST_WORK = 2e6;
const POINTS = 3;

async function look({ folder, model = 'model.onnx', commands, seed }: FileJob): Promise<FileAnswer> {
  const faults: string[] = [];
  const bounds: { log10: number; command: string }[] = [];
  const { value: network, paths } = await readDuring(async () => {
    for (const argv of commands) {
      const shown = argv.join(' ');
      const json = argv.includes('--json');
      const spoken = await commandLine(
        argv.map((word) => (word.startsWith('@/') ? join(folder, word.slice(2)) : word)),
      );
      faults.push(...faultsOf(spoken, shown, json));
      if (argv[0] === 'bound' && spoken.code === 0 && json) {
        const document = JSON.parse(spoken.stdout) as { bound: number | null; log10: number | null };
        if (document.bound === null && document.log10 === null)
          faults.push(`${shown}: exit code 0 without a bound`);
        else bounds.push({ log10: document.bound === 0 ? -Infinity : document.log10!, command: shown });
      }
    }
    return bounds.length > 0 ? loadNetwork(join(folder, model)) : undefined;
  });
  faults.push(...outside(folder, paths));
  for (const [k, prototype] of PROTOTYPES.entries())
    if (Object.getOwnPropertyNames(prototype).join() !== MEMBERS[k])
      faults.push('a prototype of the language was changed');
  return { faults, bounds, ...(network && valuesOf(network, new Random(seed))) };
}

function faultsOf({ code, stdout, stderr }: Spoken, shown: string, json: boolean): string[] {
  const faults: string[] = [];
  if (!EXIT_CODES.includes(code))
    faults.push(`${shown}: exit code ${code}: ${firstLines(json ? stdout : stderr)}`);
  for (const text of [stdout, stderr]) {
    const hidden = hiddenCharacter(text);
    // JSON may hold what JSON.stringify leaves as it is; a terminal shows it all the same, but no program takes harm.
    if (hidden && !json) faults.push(`${shown}: prints ${hidden}`);
  }
  if (json) {
    try {
      JSON.parse(stdout);
    } catch {
      faults.push(`${shown}: must print one JSON document, got ${firstLines(stdout)}`);
    }
  }
  return faults;
}

function firstLines(text: string): string {
  return text.slice(0, 300);
}

/** Files that were read but lie elsewhere. The program's own may be loaded late. */
function outside(folder: string, paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    let real: string;
    try {
      real = realpathSync(path);
    } catch {
      // Nothing is there: nothing was read.
      return [];
    }
    const allowed = dirname(real) === realpathSync(folder) || real.startsWith(REPOSITORY);
    return allowed ? [] : [`reads ${real}`];
  });
}

function valuesOf(network: Network, random: Random): { readonly values?: Values } {
  const { shape } = network.tensors[network.input]!;
  if (product(shape) > 1e5) return {};
  const prepared = new PreparedNetwork(network);
  if (prepared.work > MOST_WORK) return {};
  const points: Float64Array[] = [];
  const scales = [1, 3, 0.2];
  for (let k = 0; k < POINTS; k++) {
    const x = random.normals(product(shape), scales[k % scales.length]!).map(Math.fround);
    // Along the direction in which the network is steepest here, so that chords say something.
    points.push(x, moved(prepared, x, random));
  }
  const evaluations = points.map((x) => prepared.evaluate(x));
  const images = evaluations.map((tensors) => tensors[network.output]!);
  // α (exp(x/α) − 1) in float32 is what is left of α and α.
  const cancelled = network.nodes.reduce((most, { operator }) => {
    const celu = operator.kind === 'nonlinearity' && operator.function.name === 'celu';
    return celu ? Math.max(most, operator.function.alpha) : most;
  }, 0);
  const noise = evaluations.map((tensors, k) => {
    const largest = tensors.reduce((most, t) => Math.max(most, largestOf(t)), 0);
    const nudged = points[k]!.map((value) => value * (1 + 1e-6 * (2 * random.next() - 1)));
    const image = prepared.evaluate(nudged)[network.output]!;
    const moved = image.reduce((most, y, i) => Math.max(most, Math.abs(y - images[k]![i]!)), 0);
    return 20 * moved + 1e-5 * Math.max(largest, cancelled);
  });
  return { values: { output: network.tensors[network.output]!.name, shape, points, images, noise } };
}

/** x a good way along the first singular vector of the Jacobian there. */
function moved(prepared: PreparedNetwork, x: Float64Array, random: Random): Float64Array {
  const point = prepared.linearise(x);
  let v = random.normals(x.length);
  for (let step = 0; step < 12; step++) {
    const next = point.pull(point.push(v));
    const size = norm(next);
    if (!(size > 0) || !Number.isFinite(size)) break;
    v = next.map((value) => value / size);
  }
  const reach = 0.1 * norm(x);
  const length = norm(v) || 1;
  return x.map((value, i) => Math.fround(value + (reach * v[i]!) / length));
}

function largestOf(values: Float64Array): number {
  let most = 0;
  for (const value of values) if (!(Math.abs(value) <= most)) most = Math.abs(value);
  return most;
}

await sharedEngine();
serve(look);
