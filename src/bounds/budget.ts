/** The memory budget, and what is in proportion when nobody asks for it: decided from sizes, before anything is allocated. */
import { programCost } from '../ellipsoid/memory/cost.ts';
import { needsOf } from '../ellipsoid/memory/needs.ts';
import { secondsOf } from '../ellipsoid/memory/seconds.ts';
import type { Engine } from '../engine/engine.ts';
import { bytesPerNumber } from '../engine/precision.ts';
import { type Unsupported, UnsupportedError } from '../errors.ts';
import { evaluationNeeds } from '../network/evaluation/needs.ts';
import type { Network } from '../network/network.ts';
import { weightBytes } from '../network/parameters.ts';
import type { Program } from '../program/program.ts';
import { DEFAULTS } from './defaults.ts';
import { beyondSampled } from './proportion.ts';

/** Steps of a program, matrices that all runs together go through, and terms of symbols beyond which closed forms and searches are left
 *  to those who ask for them: far more than any network that people train takes, and a minute or so of overhead alone. */
const UNASKED_STEPS = 5000;
const UNASKED_VISITS = 6e7;
const UNASKED_TERMS = 1e12;
const UNASKED_OPERATIONS = 1e16;

/** Pairs of operations of one evaluation beyond which no lower bound is sampled: the dozen of products that it takes at least
 *  would last an hour. */
const MOST_WORK_OF_SAMPLE = 1e11;

/** Refused for want of memory. */
export class MemoryError extends UnsupportedError {
  /** What it would take. */
  readonly bytes: number;
  constructor(bytes: number, refusal: Unsupported) {
    super([refusal]);
    this.bytes = bytes;
  }
}

/** Bytes that the numbers of a network take, and those that are left for what is computed: negative where there are none. */
export interface Room {
  readonly weights: number;
  /** On the engine. */
  readonly bytes: number;
  /** In main memory, where another engine or none computes. */
  readonly host: number;
}

/**
 * @param memory for both; absent: the default of the engine beside the weights
 * @param most of the default
 * @param networks the network as it was given, and what else holds numbers of its own
 */
export function roomIn(
  memory: number | undefined,
  most: number,
  { information }: Pick<Engine, 'information'>,
  ...networks: readonly Network[]
): Room {
  const weights = weightBytes(...networks);
  const left = (own: number) => (memory === undefined ? Math.min(most, own) : memory - weights);
  return {
    weights,
    bytes: left(Math.max(DEFAULTS.memory, information.memory ?? 0)),
    host: left(DEFAULTS.memory),
  };
}

/** Why a program's covariances have no room, if so. */
export function beyondMemory(
  engine: Pick<Engine, 'information'>,
  program: Program,
  room: Room,
): MemoryError | undefined {
  const { bytes, layer } = needsOf(program, bytesPerNumber(engine));
  if (bytes <= room.bytes) return undefined;
  return memoryError(layer, bytes + room.weights, room.bytes + room.weights);
}

function memoryError(layer: string, bytes: number, memory: number): MemoryError {
  return new MemoryError(bytes, {
    node: layer,
    found: `about ${formatBytes(bytes)} needed`,
    reason: `that is more than the memory budget of ${formatBytes(memory)}; raise --memory, or bound a smaller network`,
  });
}

/**
 * Why closed forms and searches of a program are left out where nobody has asked for them.
 * @param seconds that are in proportion to the file
 */
export function disproportion(program: Program, runs: number, seconds: number): string | undefined {
  const { steps, visits, terms } = needsOf(program, 8);
  const found = (what: string) =>
    `left out, as it would take very long: ${what}; ask for it with --method closed-form or refined`;
  if (steps > UNASKED_STEPS) return found(`${steps} steps`);
  if (visits * runs > UNASKED_VISITS) return found(`${twoDigits(visits * runs)} matrices`);
  const operations = runs * programCost(program);
  if (operations > UNASKED_OPERATIONS) return found(`${twoDigits(operations)} operations`);
  if (terms > UNASKED_TERMS) return found(`${twoDigits(terms)} terms of symbols`);
  const took = runs * secondsOf(program);
  if (took > seconds) return found(`about ${twoDigits(took)} s, out of proportion to the file`);
  return undefined;
}

/**
 * Why no lower bound is sampled.
 * @param most pairs of operations of one evaluation that are in proportion to the file
 */
export function beyondSampling(network: Network, memory: number, most: number): string | undefined {
  const { bytes, work, entries } = evaluationNeeds(network);
  if (!(bytes <= memory)) {
    return `No lower bound was sampled: it would take about ${formatBytes(bytes)}, more than the memory budget of ${formatBytes(memory)}.`;
  }
  if (!(work <= MOST_WORK_OF_SAMPLE)) {
    return `No lower bound was sampled: one evaluation of the network takes ${twoDigits(work)} operations.`;
  }
  if (beyondSampled(network, most)) {
    return `No lower bound was sampled: one evaluation of the network takes ${twoDigits(work)} operations on ${twoDigits(entries)} numbers, out of proportion to the file.`;
  }
  return undefined;
}

const twoDigits = (n: number) => n.toPrecision(2);

/** In the units of --memory: powers of ten. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return 'more memory than any machine has';
  const [unit, name] = ([
    [1e12, 'TB'],
    [1e9, 'GB'],
    [1e6, 'MB'],
    [1e3, 'kB'],
    [1, 'bytes'],
  ].find(([size]) => bytes >= (size as number)) as [number, string]) ?? [1, 'bytes'];
  // Rounded up: what is asked for must be enough.
  const digits = bytes / unit;
  const step = digits >= 100 ? 1 : digits >= 10 ? 0.1 : 0.01;
  const rounded = Math.ceil(digits / step) * step;
  return `${Number.parseFloat(rounded.toPrecision(10))} ${name}`;
}
