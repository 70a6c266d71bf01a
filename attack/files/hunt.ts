/**
 * Mutated model files. A file may get a bound or one of the two errors that say why not; nothing else may happen, in a minute and
 * 2 GB. Where ONNX Runtime runs the file as well, both must compute the same, and no chord that it measures may be above a bound.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from '../../src/formats/onnx/protobuf/onnx_pb.ts';
import type { Finding, Hunt } from '../hunt.ts';
import { LIMITS, type LimitedOptions, LimitedProcess } from '../limited/process.ts';
import { TYPES } from '../model/description.ts';
import { fewest } from '../mutation/shrink.ts';
import { norm } from '../norms.ts';
import { Random } from '../random.ts';
import { Tally } from '../tally.ts';
import type { FileAnswer, FileJob, Values } from './child.ts';
import { drawOriginal } from './corpus.ts';
import { type Change, drawChanges, type Files, mutated } from './mutate.ts';
import type { RuntimeAnswer, RuntimeJob } from './runtimeChild.ts';

export interface FilesOptions extends LimitedOptions {
  /** A file that ONNX Runtime refuses for whatever reason and this project bounds is a finding, too. */
  readonly strict?: boolean;
}

/** Reasons of ONNX Runtime that are ONNX's own rules, whatever this project makes of the file. */
const FORBIDDEN = /has (in|out)put size # not in range|Unrecognized attribute/;
/** Of the scale of the output, that two readers may differ by in float32. */
const TOLERANCE = 1e-3;
/** Chords measured in float32 may be above the bound by so much. */
const SLOPE_TOLERANCE = 1e-2;

const MODEL = '@/model.onnx';
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
const BOUND = ['bound', MODEL, '--json', ...CHEAP];

export class FilesHunt implements Hunt {
  readonly name = 'files';
  readonly unit = 'files';
  readonly #options: FilesOptions;
  readonly #seconds: number;
  readonly #ours: LimitedProcess<FileJob, FileAnswer>;
  readonly #runtime: LimitedProcess<RuntimeJob, RuntimeAnswer>;
  readonly #root = mkdtempSync(join(tmpdir(), 'lipsoid-files-'));
  /** How often files were refused, bounded, compared, and refused by ONNX Runtime alone, with its reasons. */
  readonly tally = new Tally();

  constructor(options: FilesOptions = {}) {
    this.#options = options;
    this.#seconds = (options.limits ?? LIMITS).seconds;
    this.#ours = new LimitedProcess(options.child ?? new URL('child.ts', import.meta.url), options.limits);
    this.#runtime = new LimitedProcess(new URL('runtimeChild.ts', import.meta.url), options.limits);
    writeFileSync(join(this.#root, 'outside.bin'), new Uint8Array(4096));
  }

  async trial(seed: number): Promise<Finding | undefined> {
    const random = new Random(seed);
    const original = drawOriginal(random);
    const changes = drawChanges(random);
    const commands = drawCommands(random);
    const faults = (own: readonly Change[]) => this.#judge(mutated(original, own), commands, seed);
    const fault = await faults(changes);
    if (fault === undefined) return undefined;
    const kept = await fewest(
      changes,
      async (own) => sameKind(await faults(own), fault),
      1.5 * this.#seconds,
    );
    const files = mutated(original, kept);
    const names = kept.map((change) => change.name).join(', ');
    return {
      hunt: this.name,
      seed,
      fault: `${original.name} with ${names || 'no change'}: ${fault}`,
      files: new Map([['model.onnx', files.model], ...files.external]),
      reproduce: commands.map((argv) => `lipsoid ${argv.join(' ').replaceAll('@/', '')}`).join('; '),
    };
  }

  async close(): Promise<void> {
    await this.#ours.close();
    await this.#runtime.close();
    rmSync(this.#root, { recursive: true, force: true });
  }

  /** What is wrong with these files. */
  async #judge(
    files: Files,
    commands: readonly (readonly string[])[],
    seed: number,
  ): Promise<string | undefined> {
    const folder = this.#write(files);
    const ours = await this.#ours.run({ folder, commands, seed });
    if (ours.kind === 'failed') return ours.fault;
    const { faults, bounds, values } = ours.value;
    if (faults.length > 0) return faults[0];
    if (bounds.length === 0) return this.#count('refused');
    if (!values) return this.#count('bounded, not evaluated');
    const { output, shape, points } = values;
    const theirs = await this.#runtime.run({ folder, values: { output, shape, points } });
    // What ONNX Runtime does to its process is not for this hunt to say.
    if (theirs.kind === 'failed') return this.#count('bounded, ONNX Runtime failed');
    if ('refused' in theirs.value) {
      const reason = theirs.value.refused.replaceAll(/\d+/g, '#').slice(0, 160);
      this.#count(`bounded, refused by ONNX Runtime: ${reason}`);
      return this.#options.strict || FORBIDDEN.test(reason)
        ? `is bounded, but ONNX Runtime refuses it: ${reason}`
        : undefined;
    }
    if ('incomparable' in theirs.value)
      return this.#count(`bounded, not compared: ${theirs.value.incomparable}`);
    if (squaresOverflow(files.model)) return this.#count('bounded, not compared: squares leave float32');
    return (
      disagreement(values, theirs.value.images) ??
      steeper(values, theirs.value.images, bounds) ??
      this.#count('bounded and compared')
    );
  }

  #count(outcome: string): undefined {
    this.tally.count('outcomes', outcome);
  }

  /** A folder with the files, and beside them what leads out of it. */
  #write({ model, external }: Files): string {
    const folder = join(this.#root, 'trial');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(folder, 'folder'), { recursive: true });
    writeFileSync(join(folder, 'folder', 'inside.bin'), new Uint8Array(4096));
    symlinkSync(join(this.#root, 'outside.bin'), join(folder, 'link.bin'));
    writeFileSync(join(folder, 'model.onnx'), model);
    for (const [name, bytes] of external) writeFileSync(join(folder, name), bytes);
    return folder;
  }
}

/** Always the bound, the refusals as text, and one thing more now and then. */
function drawCommands(random: Random): string[][] {
  const sdp = (formulation: string) => [
    'export-sdp',
    MODEL,
    '--formulation',
    formulation,
    '--out',
    '@/p.dat-s',
  ];
  const more = [
    [['inspect', MODEL]],
    [['inspect', MODEL, '--json']],
    [[...BOUND, '--length', 'any', '--method', 'closed-form']],
    [[...BOUND, '--method', 'unrolled']],
    [[...BOUND, '--target', 'margins']],
    [[...BOUND, '--no-rigor']],
    [
      [...BOUND, '--certificate', '@/c.json'],
      ['verify', '@/c.json', MODEL],
    ],
    [sdp('lipsdp')],
    [sdp('dissipativity')],
  ];
  const text = ['bound', MODEL, '--method', 'spectral-product', ...CHEAP];
  return [BOUND, text, ...(random.chance(0.6) ? random.pick(more) : [])];
}

/** Whether ONNX Runtime takes the root of squares that leave float32, as ONNX does not say that one has to. */
export function squaresOverflow(model: Uint8Array): boolean {
  const { graph } = fromBinary(ModelProtoSchema, model);
  if (!graph?.node.some(({ opType }) => opType === 'ReduceL2')) return false;
  return graph.initializer.some(({ dataType, rawData, floatData }) => {
    if (dataType !== TYPES.float) return false;
    const raw = rawData.slice(0, rawData.length - (rawData.length % 4));
    return [...floatData, ...new Float32Array(raw.buffer)].some((x) => Math.abs(x) > 2 ** 63);
  });
}

/** Where the two readers compute different numbers. */
export function disagreement(values: Values, images: readonly Float64Array[]): string | undefined {
  for (const [k, theirs] of images.entries()) {
    const ours = values.images[k]!;
    if (theirs.length !== ours.length) return `has ${ours.length} outputs, in ONNX Runtime ${theirs.length}`;
    // float32 overflows where float64 does not.
    if (!theirs.every(Number.isFinite) || !ours.every(Number.isFinite)) continue;
    const scale = ours.reduce((most, y) => Math.max(most, Math.abs(y)), 0);
    const allowed = TOLERANCE * scale + values.noise[k]!;
    const at = ours.findIndex((y, i) => Math.abs(y - theirs[i]!) > allowed);
    if (at >= 0) return `output ${at} at point ${k} is ${ours[at]}, in ONNX Runtime ${theirs[at]}`;
  }
  return undefined;
}

/** Where a chord between two neighbouring points, as somebody computes it, is steeper than a bound. */
export function steeper(
  { points, noise }: Values,
  images: readonly Float64Array[],
  bounds: FileAnswer['bounds'],
  who = 'ONNX Runtime',
): string | undefined {
  for (let k = 0; k + 1 < points.length; k += 2) {
    const [x, y, fx, fy] = [points[k]!, points[k + 1]!, images[k]!, images[k + 1]!];
    const entries = Math.sqrt(fx.length);
    const rise = distance(fx, fy) - entries * (noise[k]! + noise[k + 1]!);
    const run = distance(x, y);
    if (!(rise > 0 && run > 0) || !Number.isFinite(rise)) continue;
    const slope = rise / run;
    for (const { log10, command } of bounds)
      if (Math.log10(slope) > log10 + Math.log10(1 + SLOPE_TOLERANCE))
        return `the bound 10^${log10} of ${command} is below the slope ${slope} that ${who} has`;
  }
  return undefined;
}

function distance(a: Float64Array, b: Float64Array): number {
  return norm(a.map((value, i) => value - b[i]!));
}

/** Whether two faults are the same but for their numbers. */
function sameKind(a: string | undefined, b: string): boolean {
  const kind = (text: string) => text.replaceAll(/[\d.e+-]+/g, '').slice(0, 40);
  return a !== undefined && kind(a) === kind(b);
}
