/** What the norm of one map takes, from sizes alone. */
import type { Engine } from '../../engine/engine.ts';
import { bytesPerNumber } from '../../engine/precision.ts';
import { product } from '../../network/size.ts';
import type { Term } from '../../program/variables.ts';
import { BYTES_PER_TAP, LONGEST_SIDE } from '../memory/needs.ts';
import { secondsOfNorm } from '../memory/seconds.ts';
import type { NormPlan } from './form.ts';

/** Frequencies, terms of symbols, and operations, at most, for one norm: minutes. Beyond, Schur's test has to do. */
const MOST_FREQUENCIES = 2 ** 21;
const MOST_TERMS = 2 ** 36;
const MOST_OPERATIONS = 2 ** 43;

/** Seconds that a norm takes, about; undefined where it is out of the question. */
export function affordable(engine: Engine, term: Term, plan: NormPlan, memory: number): number | undefined {
  const { rows, columns, torus, ratio, copies } = plan;
  const entries = rows * columns;
  if (plan.constant) {
    const smaller = Math.min(rows, columns);
    const operations = 2 * smaller * (entries + 2 * smaller ** 2);
    const bytes = 3 * bytesPerNumber(engine) * smaller ** 2 + 16 * entries;
    return bytes <= memory && operations <= MOST_OPERATIONS ? secondsOfNorm(1, 0, operations) : undefined;
  }
  const fine = copies * plan.count;
  const { count, work } = tapsOfTerm(term, plan.lift);
  const lists = (4 * torus.length + 8) * (plan.count + fine);
  const bytes =
    lists + count * (16 * entries + BYTES_PER_TAP) + pieceBytes(engine, copies, entries, rows, count);
  const terms = fine * (work + count * entries);
  const operations = 8 * fine * rows * (entries + 2 * rows ** 2);
  const fits =
    bytes <= memory &&
    fine <= MOST_FREQUENCIES &&
    terms <= MOST_TERMS &&
    operations <= MOST_OPERATIONS &&
    torus.every((side, a) => side * ratio[a]! <= LONGEST_SIDE);
  return fits ? secondsOfNorm(fine, terms, operations) : undefined;
}

/** Taps of a map by itself, at most, and the samples that their phases are sums of. */
function tapsOfTerm(
  { map, source }: Term,
  lift: readonly number[] | undefined,
): { count: number; work: number } {
  const sum = (sides: readonly number[]) => sides.reduce((total, n) => total + n, 0);
  switch (map.kind) {
    case 'identity':
      return { count: 1, work: 1 };
    case 'convolution': {
      const { sides } = map.kernel;
      if (map.box !== undefined) return { count: 1, work: sum(sides) };
      const reached = sides.map((n, a) => {
        const reach = (n - 1) * map.dilation[a]!;
        return Math.min(n, Math.floor(reach / lift![a]!) + 2);
      });
      return { count: product(reached), work: product(reached) };
    }
    case 'transposed':
      return { count: product(map.kernel.sides), work: product(map.kernel.sides) };
    case 'read':
    case 'pick':
      return { count: product(source.window), work: product(source.window) };
    case 'total':
      return { count: 1, work: sum(source.window) };
    default:
      return map satisfies never;
  }
}

/** Bytes for one frequency of the coarser grid, with those that alias to it: symbols, covariances, phases. */
export function pieceBytes(
  engine: Engine,
  copies: number,
  entries: number,
  rows: number,
  taps: number,
): number {
  return 2 * bytesPerNumber(engine) * copies * (2 * entries + 3 * rows ** 2 + taps);
}
