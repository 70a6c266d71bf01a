/**
 * Command lines as processes: what they answer, what they leave behind, and that answers to different questions about one network fit
 * together.
 */
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
} from '../../src/formats/onnx/protobuf/onnx_pb.ts';
import { floats } from '../../test/formats/onnx/build.ts';
import { SPECIMENS, type Specimen } from '../certificates/networks.ts';
import type { Finding, Hunt } from '../hunt.ts';
import { HOSTILE_NAMES } from '../mutation/choices.ts';
import { Random } from '../random.ts';
import { type Command, drawCommand, MODEL } from './generate.ts';
import { type Document, documentFaults, parsed, processFaults, sizeOf, textFaults } from './judge.ts';
import { type Ended, makePipe, PROGRAM, runCommand } from './run.ts';

export interface CommandsOptions {
  /** The program and its first words; default: the built one. */
  readonly program?: readonly string[];
}

const EXISTING = '{"existing":true}\n';
/** Where certificates and multipliers in their own folders come from. */
const RELATIONS_SHARE = 0.2;
/** By which two computations of one number may differ. */
const SAME = 1e-9;
const ENGINES_DIFFER = 1e-6;
const SECONDS = 90;

/** Files of a folder before a command, besides the model and its data. */
const GIVEN = new Set(['fifo', 'folder', 'empty', 'existing.json', 'readonly', 'c.json', 'm.json']);

export class CommandsHunt implements Hunt {
  readonly name = 'commands';
  readonly unit = 'commands';
  readonly #root = mkdtempSync(join(tmpdir(), 'lipsoid-commands-'));
  readonly #program: readonly string[];
  #count = 0;
  #made: Promise<void> | undefined;

  constructor({ program = PROGRAM }: CommandsOptions = {}) {
    this.#program = program;
  }

  async trial(seed: number): Promise<Finding | undefined> {
    this.#made ??= this.#makeExamples();
    await this.#made;
    const random = new Random(seed);
    const specimen = random.pick(SPECIMENS);
    const model = random.chance(0.2) ? renamed(specimen.model, random) : specimen.model;
    const folder = this.#folder(specimen, model);
    try {
      const [fault, argv] = random.chance(RELATIONS_SHARE)
        ? await this.#relation(folder, model, random)
        : await this.#single(folder, drawCommand(random), model);
      if (fault === undefined) return undefined;
      return {
        ...{ hunt: this.name, seed, fault: `${specimen.name}: ${fault}`, reproduce: `lipsoid ${argv}` },
        files: new Map([[MODEL, model], ...specimen.external]),
      };
    } finally {
      chmodSync(join(folder, 'readonly'), 0o700);
      rmSync(folder, { recursive: true, force: true });
    }
  }

  async close(): Promise<void> {
    rmSync(this.#root, { recursive: true, force: true });
  }

  #run(
    folder: string,
    argv: readonly string[],
    around: Command['around'] = { seconds: SECONDS },
  ): Promise<Ended> {
    return runCommand(folder, argv, around, this.#program);
  }

  /** One command; the same as text, where it answered in JSON. */
  async #single(folder: string, command: Command, model: Uint8Array): Promise<Answer> {
    const { argv, around, outputs } = command;
    const ended = await this.#run(folder, argv, around);
    const shown = `${argv.map(quoted).join(' ')}${around.stdout ? ` (stdout ${around.stdout})` : ''}${around.limits ? ` (${around.limits})` : ''}${around.signal ? ` (${around.signal.name} after ${around.signal.milliseconds} ms)` : ''}`;
    const faults = [...processFaults(command, ended), ...leftBehind(folder, outputs, model)];
    // Help is no document, whatever else is asked for.
    const document = parsed(ended.stdout) as Document | undefined;
    const own = argv[0] === 'bound' && ended.code === 0 && command.heard && around.signal === undefined;
    if (document && faults.length === 0 && own && argv.includes('--json') && outputs.length === 0) {
      const text = await this.#run(
        folder,
        argv.filter((word) => word !== '--json' && word !== '--quiet'),
        around,
      );
      if (text.code !== 0) faults.push(`exit code 0 with --json, ${text.code} without`);
      else if (!timed(ended) && !timed(text)) faults.push(...textFaults(text.stdout, document, argv));
    }
    return [faults[0], shown];
  }

  /** Two questions about one network. */
  async #relation(folder: string, model: Uint8Array, random: Random): Promise<Answer> {
    const common = [
      '--json',
      '--engine',
      'cpu-wasm',
      '--evaluations',
      '3',
      '--tolerance',
      '0',
      '--time-limit',
      '1000',
      '--no-lower',
    ];
    const ask = async (...argv: string[]): Promise<Document | undefined> => {
      const { code, stdout } = await this.#run(folder, ['bound', MODEL, ...common, ...argv]);
      return code === 0 ? (parsed(stdout) as Document) : undefined;
    };
    const closed = ['--method', 'closed-form'];
    switch (random.integer(0, 3)) {
      case 0: {
        const method = random.pick(['spectral-product', 'closed-form', 'unrolled', 'refined']);
        const [all, one] = [await ask(), await ask('--method', method)];
        const fault =
          all && one && sizeOf(all)! > sizeOf(one)! + SAME
            ? `all gives 10^${sizeOf(all)}, ${method} alone 10^${sizeOf(one)}`
            : undefined;
        const own = [
          ...(all ? documentFaults(all, common) : []),
          ...(one ? documentFaults(one, common) : []),
        ];
        return [fault ?? own[0], `bound ${MODEL} ${common.join(' ')} [--method ${method}]`];
      }
      case 1: {
        const [once, again] = [await ask(...closed), await ask(...closed)];
        return [differ(once, again, 0, 0), `bound ${MODEL} ${common.join(' ')} --method closed-form (twice)`];
      }
      case 2: {
        const [wasm, blas] = [await ask(...closed), await ask(...closed, '--engine', 'cpu-blas')];
        return [
          differ(wasm, blas, 0, ENGINES_DIFFER),
          `bound ${MODEL} ${common.join(' ')} --method closed-form [--engine cpu-blas]`,
        ];
      }
      default: {
        const before = await ask(...closed);
        writeFileSync(join(folder, MODEL), doubled(model));
        const after = await ask(...closed);
        return [
          differ(before, after, Math.log10(2), ENGINES_DIFFER),
          `bound ${MODEL} ${common.join(' ')} --method closed-form (and twice the output)`,
        ];
      }
    }
  }

  #folder(specimen: Specimen, model: Uint8Array): string {
    const folder = join(this.#root, String(this.#count++));
    mkdirSync(join(folder, 'folder'), { recursive: true });
    mkdirSync(join(folder, 'readonly'));
    chmodSync(join(folder, 'readonly'), 0o500);
    makePipe(join(folder, 'fifo'));
    writeFileSync(join(folder, 'empty'), '');
    writeFileSync(join(folder, 'existing.json'), EXISTING);
    writeFileSync(join(folder, MODEL), model);
    for (const [name, bytes] of specimen.external) writeFileSync(join(folder, name), bytes);
    for (const name of ['c.json', 'm.json']) cpSync(join(this.#root, name), join(folder, name));
    return folder;
  }

  /** A certificate and multipliers, of the first specimen: for all others they are those of another network. */
  async #makeExamples(): Promise<void> {
    const specimen = SPECIMENS[0]!;
    for (const name of ['c.json', 'm.json']) writeFileSync(join(this.#root, name), EXISTING);
    const folder = this.#folder(specimen, specimen.model);
    const outputs = ['--save-multipliers', 'own-m.json', '--certificate', 'own-c.json'];
    const { code, stderr } = await this.#run(folder, ['bound', MODEL, ...specimen.options, ...outputs]);
    if (code !== 0)
      throw new Error(`the commands hunt needs a certificate, got exit code ${code}: ${stderr}`);
    cpSync(join(folder, 'own-c.json'), join(this.#root, 'c.json'));
    cpSync(join(folder, 'own-m.json'), join(this.#root, 'm.json'));
  }
}

/** A search that time ended ends elsewhere the next time. */
function timed({ stdout }: Ended): boolean {
  return stdout.includes('time limit');
}

/** What is wrong, if anything, and the command that shows it. */
type Answer = readonly [fault: string | undefined, argv: string];

function differ(
  a: Document | undefined,
  b: Document | undefined,
  by: number,
  tolerance: number,
): string | undefined {
  if (!a || !b) return undefined;
  const [first, second] = [sizeOf(a), sizeOf(b)];
  if (first === undefined || second === undefined || first === second - by) return undefined;
  return Math.abs(second - first - by) > tolerance
    ? `bounds 10^${first} and 10^${second} must differ by the factor ${10 ** by}`
    : undefined;
}

/** Outputs that were asked for may be there if they are complete; nothing else may, and the model must be what it was. */
function leftBehind(folder: string, outputs: readonly string[], model: Uint8Array): string[] {
  const faults: string[] = [];
  if (Buffer.compare(readFileSync(join(folder, MODEL)), model) !== 0)
    faults.push('the model was overwritten');
  const existing = readFileSync(join(folder, 'existing.json'), 'utf8');
  const asked = new Set(outputs.map((name) => name.replace(/^\.\//, '')));
  if (existing !== EXISTING && !(asked.has('existing.json') && isComplete('existing.json', existing)))
    faults.push(`a file that was there holds ${existing.length} characters that are not complete`);
  for (const inner of ['.', 'folder'])
    for (const entry of readdirSync(join(folder, inner))) {
      const name = inner === '.' ? entry : `${inner}/${entry}`;
      if (GIVEN.has(name) || name === MODEL || name.endsWith('.bin')) continue;
      if (!asked.has(name)) faults.push(`leaves the file ${JSON.stringify(name)} behind`);
      else if (!isComplete(name, readFileSync(join(folder, name), 'utf8')))
        faults.push(`leaves an incomplete ${name} of ${statSync(join(folder, name)).size} bytes behind`);
    }
  return faults;
}

function isComplete(name: string, text: string): boolean {
  // Programs may be written to files of any name.
  if (name.endsWith('.json') && text.endsWith('\n') && parsed(text) !== undefined) return true;
  return text.endsWith('\n') && /^\d+ \d+ \d+ \d+ \S+$/.test(text.trimEnd().split('\n').at(-1)!);
}

function quoted(word: string): string {
  return /^[\w./()=,-]+$/.test(word)
    ? word
    : JSON.stringify(word.length > 60 ? `${word.slice(0, 60)}…` : word);
}

/** The model with hostile names of nodes, input and output. */
function renamed(bytes: Uint8Array, random: Random): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes);
  const graph = model.graph!;
  const name = random.pick(HOSTILE_NAMES.filter((own) => own !== ''));
  random.pick(graph.node).name = name;
  if (random.chance(0.5)) rename(model, graph.output[0]!.name, `${name}/out`);
  if (random.chance(0.5)) rename(model, graph.input[0]!.name, `${name}/in`);
  return toBinary(ModelProtoSchema, model);
}

function rename({ graph }: ModelProto, before: string, after: string): void {
  for (const rim of [...graph!.input, ...graph!.output]) if (rim.name === before) rim.name = after;
  for (const { input, output } of graph!.node)
    for (const list of [input, output])
      for (const [k, own] of list.entries()) if (own === before) list[k] = after;
}

/** The same network with twice its output. */
function doubled(bytes: Uint8Array): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes);
  const graph = model.graph!;
  const [output] = graph.output;
  const inner = `${output!.name}/half`;
  for (const own of graph.node)
    for (const [k, name] of own.output.entries()) if (name === output!.name) own.output[k] = inner;
  graph.initializer.push(floats('two', [1], [2]));
  graph.node.push(create(NodeProtoSchema, { opType: 'Mul', input: [inner, 'two'], output: [output!.name] }));
  return toBinary(ModelProtoSchema, model);
}
