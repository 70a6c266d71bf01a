/** Products and inverses, matrix after matrix of a batch. */
import type { AbsoluteProductOptions, Frame } from '../../handles.ts';
import type { QueuedOperations } from '../../queued/operations.ts';
import { batchStride, type Dense, entryLength } from '../dense.ts';
import type { Kernels } from '../kernels.ts';
import { framed } from '../products/framed.ts';
import { type Gather, sideBySide, windowSum } from '../products/windowSum.ts';
import { shared } from './call.ts';
import { factorCost, inBands, productCost, threadsWithin } from './costs.ts';
import type { Team } from './team.ts';

type Names = 'symbol' | 'windowSum' | 'congruence' | 'congruenceAdjoint' | 'absoluteProduct' | 'inverse';

/** Nanoseconds that a double of a matrix takes in `absoluteProduct`. */
const ABSOLUTE_COST = 0.6;
/** And in what sets matrices side by side. */
const GATHER_COST = 0.5;
/** Entries of the symbols that are made together: what lies in a cache, but enough symbols to be worth reading the taps for. */
const SYMBOL_GROUP = 2 ** 14;
const LEAST_GROUP = 8;

export function productOperations(
  team: Team,
  kernels: Kernels,
  plain: QueuedOperations,
): Pick<QueuedOperations, Names> {
  const gather = gatherWith(team);
  return {
    windowSum: (w, q, weights) => windowSum(kernels, w, q, weights, gather),

    symbol: shared(
      team,
      (call, taps: Dense, phases: Dense, rows: number, columns: number, frame?: Frame) => {
        const { rows: frequencies } = phases;
        const { rows: count, columns: entries } = taps;
        const size = Math.min(frequencies, Math.max(LEAST_GROUP, Math.floor(SYMBOL_GROUP / entries)));
        const out = call.result(2 * frequencies * entries);
        const places = [call.matrices(taps.data), call.matrices(phases.data), out.byteOffset];
        const work = call.work(2 * size * (count + entries));
        const numbers = [...places, frequencies, count, entries, size, ...work];
        const cost = productCost(team, 4 * size * count * entries) + 2 * size * entries;
        const groups = Math.ceil(frequencies / size);
        const result = () => (frame ? framed(out, rows, columns, frame) : out);
        return { task: { kernel: 'symbol', numbers, count: groups, cost }, result };
      },
      plain.symbol,
    ),

    congruence: shared(
      team,
      (call, w: Dense, q?: Dense | Float64Array) => {
        const diagonal = q instanceof Float64Array;
        const batch = q && !diagonal ? Math.max(w.batch, q.batch) : w.batch;
        const { rows: m, columns: n } = w;
        const width = w.complex ? 2 : 1;
        const flops = 2 * width * width * ((q && !diagonal ? m * n * n : 0) + (m * m * n) / 2);
        if (inBands(batch, flops)) return undefined;
        const out = call.result(batch * m * m * width);
        const [place, stride] = diagonal
          ? [call.vector(q), 0]
          : q
            ? [call.matrices(q.data), batchStride(q)]
            : [0, 0];
        const operands = [call.matrices(w.data), batchStride(w), place, stride, Number(diagonal)];
        const sizes = [m, n, Number(w.complex)];
        const numbers = [...operands, out.byteOffset, ...sizes, ...call.work(m * n * width)];
        const cost = productCost(team, flops);
        return { task: { kernel: 'congruence', numbers, count: batch, cost }, result: () => out };
      },
      plain.congruence,
    ),

    congruenceAdjoint: shared(
      team,
      (call, w: Dense, g: Dense) => {
        const { rows: m, columns: n } = w;
        const width = w.complex ? 2 : 1;
        const batch = Math.max(w.batch, g.batch);
        const flops = 2 * width * width * (n * m * m + (n * n * m) / 2);
        if (inBands(batch, flops)) return undefined;
        const out = call.result(batch * n * n * width);
        const operands = [call.matrices(w.data), batchStride(w), call.matrices(g.data), batchStride(g)];
        const sizes = [m, n, Number(w.complex)];
        const numbers = [...operands, out.byteOffset, ...sizes, ...call.work(m * n * width)];
        const cost = productCost(team, flops);
        return { task: { kernel: 'congruenceAdjoint', numbers, count: batch, cost }, result: () => out };
      },
      plain.congruenceAdjoint,
    ),

    absoluteProduct: shared(
      team,
      (call, a: Dense, x: Dense | Float64Array, options: Given<AbsoluteProductOptions> = {}) => {
        const { adjoint = false, plus } = options;
        const vector = x instanceof Float64Array;
        const batch = Math.max(a.batch, vector ? 1 : x.batch);
        const length = adjoint ? a.columns : a.rows;
        const out = call.result(batch * length);
        // Columns may be too short to lie with the matrices.
        const place = call.vector(vector ? x : x.data);
        const operands = [call.matrices(a.data), batchStride(a), place, vector ? 0 : batchStride(x)];
        const sizes = [a.rows, a.columns, Number(a.complex), Number(adjoint)];
        const numbers = [...operands, call.vector(plus), out.byteOffset, ...sizes];
        const cost = ABSOLUTE_COST * entryLength(a);
        return { task: { kernel: 'absoluteProduct', numbers, count: batch, cost }, result: () => out };
      },
      plain.absoluteProduct,
    ),

    inverse: shared(
      team,
      (call, d: Float64Array, s: Dense) => {
        const { rows: n, batch } = s;
        const complex = Number(s.complex);
        const out = call.result(s.data.length);
        const flags = call.room(batch);
        const work = call.work(Math.max(Math.ceil(n / 2) + 3, 64) * n * (1 + complex));
        const places = [call.matrices(s.data), call.vector(d), out.byteOffset, flags.byteOffset];
        const numbers = [...places, n, complex, ...work, threadsWithin(team, batch, n)];
        const result = () => {
          let definite = 1;
          for (let b = 0; b < batch; b++) if (flags[b] !== 1) definite = 0;
          if (definite === 0) out.fill(Number.NaN);
          return { inverse: out, definite };
        };
        const cost = factorCost(team, n, s.complex);
        return { task: { kernel: 'inverse', numbers, count: batch, cost }, result };
      },
      plain.inverse,
    ),
  };
}

function gatherWith(team: Team): Gather {
  return shared(
    team,
    (call, x: Dense, start: number, end: number, weights: Float64Array | undefined) => {
      const width = x.columns * (x.complex ? 2 : 1);
      const total = (end - start) * width;
      const out = call.result(x.rows * total);
      const operands = [call.matrices(x.data), batchStride(x), call.vector(weights), out.byteOffset];
      const numbers = [...operands, x.rows, width, total, start];
      const cost = GATHER_COST * x.rows * width;
      return { task: { kernel: 'sideBySide', numbers, count: end - start, cost }, result: () => out };
    },
    sideBySide,
  );
}

/** Options as an operation is given them. */
type Given<O> = { readonly [K in keyof O]: K extends 'plus' ? Float64Array : O[K] };
