/**
 * What is computed unasked stays in proportion to the file: a few hundred bytes can fill weights, images and channels of any size, and
 * then nobody has trained them. From some ten kilobytes on, the allowance grows with the square of the file, and soon is no limit.
 */
import { secondsOfGradient } from '../ellipsoid/memory/seconds.ts';
import { evaluationNeeds } from '../network/evaluation/needs.ts';
import type { Network } from '../network/network.ts';
import type { Program } from '../program/program.ts';
import { LEAST_PRODUCTS, MOST_PRODUCTS, OPERATIONS } from './lower/sample.ts';
import type { BoundOptions, MethodName } from './result.ts';

/** Bytes of a file up to which the allowance is about the least. */
const SMALL_FILE = 2 ** 14;

/** Of a file, for every node of the network: they are not weights that anybody has trained. */
const BYTES_PER_NODE = 128;

/** What a run may take unasked, in seconds of a core or two, bytes, and operations. */
export interface Allowance {
  /** Of the norms of all maps; those beyond are bounded by Schur's test. */
  readonly norms: number;
  /** Of all closed forms of one program. */
  readonly closedForms: number;
  /** Of a search. */
  readonly search: number;
  /** Of a search on few frequencies, when what is left to gain is some thousandths; whatever the file. */
  readonly polish: number;
  /** Pairs of operations of one evaluation of the network that a lower bound is sampled of. */
  readonly sampled: number;
  /** In bytes, for what is computed. */
  readonly memory: number;
}

const OF_SMALL_FILE = { norms: 2, closedForms: 2, search: 5, sampled: 3e7, memory: 4e8 };
const POLISH = 4;

/** A network that came from no file has no limits but those that hold for all. */
export function allowanceOf({ source, nodes }: Network): Allowance {
  const bytes = source ? Math.max(0, source.bytes - BYTES_PER_NODE * nodes.length) : Infinity;
  const factor = 1 + (bytes / SMALL_FILE) ** 2;
  const { norms, closedForms, search, sampled, memory } = OF_SMALL_FILE;
  return {
    norms: factor * norms,
    closedForms: factor * closedForms,
    search: factor * search,
    polish: POLISH,
    sampled: factor * sampled,
    memory: factor * memory,
  };
}

const UNLIMITED: Allowance = {
  norms: Infinity,
  closedForms: Infinity,
  search: Infinity,
  polish: Infinity,
  sampled: Infinity,
  memory: Infinity,
};

/** What is asked for by name has no such limits. The lower bound is an extra of all methods. */
export function allowanceBeside(
  network: Network,
  method: MethodName,
  { evaluations, timeLimit, multipliers }: BoundOptions,
): Allowance {
  const own = allowanceOf(network);
  if (method !== 'all') return { ...UNLIMITED, sampled: own.sampled };
  const asked = evaluations !== undefined || timeLimit !== undefined || multipliers !== undefined;
  return asked ? { ...own, search: Infinity, polish: Infinity } : own;
}

/** Operations on every entry of a tensor that a product with the Jacobian takes besides, in pairs. */
const PAIRS_PER_ENTRY = 20;
/** Evaluations that are just allowed, in a whole search for a lower bound. */
const EVALUATIONS_OF_SAMPLE = 40;

/** Whether even the least search for a lower bound is out of proportion. @param sampled as in `Allowance` */
export function beyondSampled(network: Network, sampled: number): boolean {
  return evaluationNeeds(network).work > sampled || affordableProducts(network, sampled) < LEAST_PRODUCTS;
}

/** Of the time that a search for a lower bound takes by itself, what is in proportion; at most 1. */
export function sampledShare(network: Network): number {
  const { work } = evaluationNeeds(network);
  const products = Math.min(MOST_PRODUCTS, OPERATIONS / work);
  const affordable = affordableProducts(network, allowanceOf(network).sampled);
  return affordable < products ? (affordable * work) / OPERATIONS : 1;
}

/** Products with the network or its Jacobian that are in proportion. */
function affordableProducts(network: Network, sampled: number): number {
  const { work, entries } = evaluationNeeds(network);
  return (EVALUATIONS_OF_SAMPLE * sampled) / (work + PAIRS_PER_ENTRY * entries);
}

/** A search of fewer evaluations finds next to nothing. */
const LEAST_EVALUATIONS = 10;

/** Evaluations of a search that nobody asked for, at most; a reason where it is not worth beginning. */
export function evaluationsWithin(program: Program, seconds: number): number | string {
  const each = secondsOfGradient(program);
  const evaluations = Math.floor(seconds / each);
  if (evaluations >= LEAST_EVALUATIONS) return evaluations;
  return `left out, as one evaluation of the search takes about ${each.toPrecision(2)} s, out of proportion to the file; ask for it with --method refined`;
}
