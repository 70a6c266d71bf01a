/** Reductions over a batch: numbers of each matrix by all threads, and what they have in common by the caller. */
import type { QueuedOperations } from '../../queued/operations.ts';
import { type Dense, entryLength } from '../dense.ts';
import type { Kernels } from '../kernels.ts';
import { powerFactors } from '../powers.ts';
import { columnMaximum } from '../reductions/columnMaximum.ts';
import { addAdjointOfSums } from '../reductions/rowSumsAdjoint.ts';
import {
  offDiagonalRadius,
  profileOf,
  type Survey,
  spectralRadius,
  surveyBy,
} from '../reductions/spectralRadius.ts';
import { type Call, shared } from './call.ts';
import { factorCost, threadsWithin } from './costs.ts';
import type { Team } from './team.ts';

type Names =
  | 'rowSums'
  | 'rowSumsAdjoint'
  | 'diagonal'
  | 'diagonalSum'
  | 'spectralRadius'
  | 'estimatedRadius'
  | 'offDiagonalRadius';

/** Nanoseconds that a double takes. */
const LARGEST_COST = 0.4;
const MODULI_COST = 1.5;
const CLEAR_COST = 0.3;
/** Of an entry of a diagonal, which lies by itself. */
const DIAGONAL_COST = 5;
/** Doubles below which a loop in JavaScript has ended before a call has begun. */
const WORTH_CALLING = 256;

export function reductionOperations(
  team: Team,
  kernels: Kernels,
  plain: QueuedOperations,
): Pick<QueuedOperations, Names> {
  const survey = surveyWith(team, kernels);
  return {
    rowSums: shared(
      team,
      (call, s: Dense) => {
        if (s.data.length < WORTH_CALLING) return undefined;
        const [sums, task] = sumsOfRows(call, s);
        return { task, result: () => largestOfBatch(sums, s) };
      },
      plain.rowSums,
    ),

    rowSumsAdjoint: shared(
      team,
      (call, s: Dense, sums: Float64Array, coefficients: Float64Array) => {
        if (s.data.length < WORTH_CALLING) return undefined;
        const out = call.result(s.data.length);
        const [each, task] = sumsOfRows(call, s);
        const sumOf = (b: number, i: number) => each[b * s.rows + i]!;
        const clear = {
          kernel: 'clear',
          numbers: [out.byteOffset],
          count: out.length,
          cost: CLEAR_COST,
        } as const;
        const result = () => {
          addAdjointOfSums(s, sums, coefficients, sumOf, out);
          return out;
        };
        return { task: [clear, task], result };
      },
      plain.rowSumsAdjoint,
    ),

    diagonal: shared(
      team,
      (call, s: Dense) => {
        if (s.data.length < WORTH_CALLING) return undefined;
        const [each, task] = diagonals(call, s);
        return { task, result: () => columnMaximum({ ...s, columns: 1, complex: false, data: each }) };
      },
      plain.diagonal,
    ),

    diagonalSum: shared(
      team,
      (call, a: Dense) => {
        if (a.data.length < WORTH_CALLING) return undefined;
        const [each, task] = diagonals(call, a);
        return { task, result: () => sumOfBatch(each, a) };
      },
      plain.diagonalSum,
    ),

    spectralRadius: (s) => spectralRadius(kernels, s, survey),
    estimatedRadius: (s) => spectralRadius(kernels, s, survey),
    offDiagonalRadius: (s) => offDiagonalRadius(kernels, s, survey),
  };
}

function sumsOfRows(call: Call, s: Dense) {
  const sums = call.room(s.batch * s.rows);
  const numbers = [call.matrices(s.data), sums.byteOffset, s.rows, Number(s.complex)];
  const cost = MODULI_COST * entryLength(s);
  return [sums, { kernel: 'rowSums', numbers, count: s.batch, cost }] as const;
}

function diagonals(call: Call, s: Dense) {
  const each = call.room(s.batch * s.rows);
  const numbers = [call.matrices(s.data), each.byteOffset, s.rows, Number(s.complex)];
  return [each, { kernel: 'diagonals', numbers, count: s.batch, cost: DIAGONAL_COST * s.rows }] as const;
}

/** In the order of the batch. */
function sumOfBatch(each: Float64Array, { batch, rows: n }: Dense): Float64Array {
  const out = new Float64Array(n);
  for (let b = 0, at = 0; b < batch; b++) for (let i = 0; i < n; i++, at++) out[i]! += each[at]!;
  return out;
}

/** NaN wins. */
function largestOfBatch(sums: Float64Array, { batch, rows: n }: Dense): Float64Array {
  const out = new Float64Array(n);
  for (let b = 0, at = 0; b < batch; b++) {
    for (let i = 0; i < n; i++, at++) out[i] = Math.max(out[i]!, sums[at]!);
  }
  return out;
}

/** Answers by all threads; where memory is short, as before. */
function surveyWith(team: Team, kernels: Kernels): Survey {
  const plain = surveyBy(kernels);
  return {
    scaled: shared(
      team,
      (call, s: Dense, e: number) => {
        const out = call.result(s.data.length);
        const numbers = [call.matrices(s.data), out.byteOffset, ...powerFactors(e)];
        return {
          task: { kernel: 'scale', numbers, count: out.length, cost: LARGEST_COST },
          result: () => out,
        };
      },
      plain.scaled,
    ),

    largestPart: shared(
      team,
      (call, s: Dense) => {
        const length = entryLength(s);
        const each = call.room(s.batch);
        const numbers = [call.matrices(s.data), each.byteOffset, length];
        const task = { kernel: 'largestPart', numbers, count: s.batch, cost: LARGEST_COST * length } as const;
        return { task, result: () => each.subarray(0, s.batch).reduce((most, x) => Math.max(most, x), 0) };
      },
      plain.largestPart,
    ),

    profiles: shared(
      team,
      (call, s: Dense) => {
        const each = call.room(4 * s.batch);
        const numbers = [call.matrices(s.data), each.byteOffset, s.rows, Number(s.complex)];
        const cost = (MODULI_COST + LARGEST_COST) * entryLength(s);
        const result = () =>
          Array.from({ length: s.batch }, (_, b) => {
            const [squares, largestRow, floor, trace] = each.subarray(4 * b, 4 * b + 4);
            return profileOf(s.rows, squares!, largestRow!, floor!, trace!);
          });
        return { task: { kernel: 'profile', numbers, count: s.batch, cost }, result };
      },
      plain.profiles,
    ),

    definite: shared(
      team,
      (call, s: Dense, entries: readonly number[], shift: number, sign: 1 | -1) => {
        const { rows: n } = s;
        const count = entries.length;
        const flags = call.room(count);
        const diagonal = call.room(n).fill(shift);
        const places = [call.matrices(s.data), diagonal.byteOffset, call.integers(entries), flags.byteOffset];
        const work = call.work(entryLength(s));
        const threads = threadsWithin(team, count, n);
        const numbers = [...places, n, Number(s.complex), sign, ...work, threads];
        const cost = factorCost(team, n, s.complex) / 3;
        return { task: { kernel: 'definite', numbers, count, cost }, result: () => flags.slice(0, count) };
      },
      plain.definite,
    ),
  };
}
