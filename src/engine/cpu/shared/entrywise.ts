/** Operations entry by entry, each by a kernel of its name. */
import type { Ranges } from '../../handles.ts';
import type { Eventually, QueuedOperations } from '../../queued/operations.ts';
import { batchStride, type Dense, entryLength } from '../dense.ts';
import { powerFactors } from '../powers.ts';
import { type Call, type Plan, shared } from './call.ts';
import type { KernelName } from './kernels.ts';
import type { Team } from './team.ts';

type Names =
  | 'add'
  | 'scaleSides'
  | 'scaleBatch'
  | 'toComplex'
  | 'alias'
  | 'aliasAdjoint'
  | 'addDiagonal'
  | 'throughSector'
  | 'submatrix'
  | 'submatrixAdjoint'
  | 'assemble'
  | 'scaleByPower';

/** Nanoseconds that a double takes from memory and back. */
const COST = 0.5;
/** Doubles below which a loop in JavaScript has ended before a call has begun. */
const WORTH_CALLING = 256;

export function entrywiseOperations(team: Team, plain: QueuedOperations): Pick<QueuedOperations, Names> {
  const operation = <P extends readonly [Dense, ...unknown[]]>(
    plan: (call: Call, ...parameters: P) => Plan<Float64Array>,
    otherwise: (...parameters: P) => Eventually<Float64Array>,
  ) =>
    shared<P, Float64Array>(
      team,
      (call, ...parameters) =>
        parameters[0].data.length < WORTH_CALLING ? undefined : plan(call, ...parameters),
      otherwise,
    );
  const scaled = shared<[a: Dense, e: Float64Array, sign: 1 | -1], Float64Array | number>(
    team,
    (call, a, e, sign) => {
      if (a.data.length < WORTH_CALLING) return undefined;
      const out = call.result(a.data.length);
      return doubles('scale', [call.matrices(a.data), out.byteOffset, ...powerFactors(sign * e[0]!)], out);
    },
    plain.scaleByPower,
  );
  return {
    add: operation((call, a: Dense, b: Dense) => {
      const out = call.result(a.data.length);
      return doubles('add', [call.matrices(a.data), call.matrices(b.data), out.byteOffset], out);
    }, plain.add),

    scaleSides: operation(
      (call, a: Dense, left: Float64Array | undefined, right: Float64Array | undefined) => {
        const out = call.result(a.data.length);
        const numbers = [call.matrices(a.data), call.vector(left), call.vector(right), out.byteOffset];
        const sizes = [a.rows, a.columns, Number(a.complex)];
        return items('scaleSides', [...numbers, ...sizes], a.batch * a.rows, entryLength(a) / a.rows, out);
      },
      plain.scaleSides,
    ),

    scaleBatch: shared(
      team,
      (call, a: Dense, factors: Float64Array) => {
        const length = entryLength(a);
        if (factors.length * length < WORTH_CALLING) return undefined;
        const out = call.result(factors.length * length);
        const numbers = [call.matrices(a.data), batchStride(a), call.vector(factors), out.byteOffset, length];
        return items('scaleBatch', numbers, factors.length, length, out);
      },
      plain.scaleBatch,
    ),

    toComplex: operation((call, a: Dense) => {
      // Complex ones are copied.
      const width = a.complex ? 1 : 2;
      const out = call.result(width * a.data.length);
      const numbers = [call.matrices(a.data), out.byteOffset];
      return a.complex
        ? doubles('scale', [...numbers, 1, 1, 1], out)
        : doubles('toComplex', numbers, out, a.data.length);
    }, plain.toComplex),

    alias: operation((call, s: Dense, count: number) => {
      const length = entryLength(s);
      const out = call.result((s.batch / count) * length);
      const numbers = [call.matrices(s.data), out.byteOffset, count, length];
      return items('alias', numbers, s.batch / count, count * length, out);
    }, plain.alias),

    aliasAdjoint: operation((call, g: Dense, count: number) => {
      const length = entryLength(g);
      const out = call.result(g.batch * count * length);
      const numbers = [call.matrices(g.data), out.byteOffset, count, length];
      return items('aliasAdjoint', numbers, g.batch, count * length, out);
    }, plain.aliasAdjoint),

    addDiagonal: operation((call, s: Dense, d: Float64Array) => {
      const out = call.result(s.data.length);
      const numbers = [call.matrices(s.data), call.vector(d), out.byteOffset, s.rows, Number(s.complex)];
      return items('addDiagonal', numbers, s.batch, entryLength(s), out);
    }, plain.addDiagonal),

    throughSector: operation((call, r: Dense, left: Float64Array, subtract: Float64Array | undefined) => {
      const out = call.result(r.data.length);
      const vectors = [call.vector(left), call.vector(subtract)];
      const numbers = [call.matrices(r.data), ...vectors, out.byteOffset, r.rows, Number(r.complex)];
      return items('throughSector', numbers, r.batch, 2 * entryLength(r), out);
    }, plain.throughSector),

    submatrix: operation((call, a: Dense, rows: Ranges, columns: Ranges) => {
      const gathered = extent(rows) * extent(columns);
      const length = gathered * (a.complex ? 2 : 1);
      const out = call.result(a.batch * length);
      const lists = [call.integers(rows.flat()), rows.length, call.integers(columns.flat()), columns.length];
      const sizes = [a.rows, a.columns, gathered, Number(a.complex)];
      const numbers = [call.matrices(a.data), ...lists, out.byteOffset, ...sizes];
      return items('submatrix', numbers, a.batch, 2 * length, out);
    }, plain.submatrix),

    submatrixAdjoint: operation((call, a: Dense, ranges: Ranges, size: number) => {
      const index = ranges.flatMap(([start, end]) =>
        Array.from({ length: end - start }, (_, k) => start + k),
      );
      const length = size * size * (a.complex ? 2 : 1);
      const out = call.result(a.batch * length);
      const numbers = [call.matrices(a.data), call.integers(index), out.byteOffset, a.rows, size];
      return items('submatrixAdjoint', [...numbers, Number(a.complex)], a.batch, 3 * length, out);
    }, plain.submatrixAdjoint),

    assemble: shared(
      team,
      (call, a: Dense, b: Dense, c: Dense) => {
        const side = a.rows + c.rows;
        const length = side * side * (a.complex ? 2 : 1);
        if (a.batch * length < WORTH_CALLING) return undefined;
        const out = call.result(a.batch * length);
        const blocks = [call.matrices(a.data), call.matrices(b.data), call.matrices(c.data)];
        const numbers = [...blocks, out.byteOffset, a.rows, c.rows, Number(a.complex)];
        return items('assemble', numbers, a.batch, 2 * length, out);
      },
      plain.assemble,
    ),

    scaleByPower: (a, e, sign) =>
      // Vectors are small.
      a instanceof Float64Array ? plain.scaleByPower(a, e, sign) : scaled(a, e, sign),
  };
}

/** A plan of items that take so many doubles each. */
function items(
  kernel: KernelName,
  numbers: readonly number[],
  count: number,
  length: number,
  out: Float64Array,
): Plan<Float64Array> {
  return { task: { kernel, numbers, count, cost: COST * length }, result: () => out };
}

/** A plan of one double after another. */
function doubles(
  kernel: KernelName,
  numbers: readonly number[],
  out: Float64Array,
  count = out.length,
): Plan<Float64Array> {
  return items(kernel, numbers, count, 1, out);
}

function extent(ranges: Ranges): number {
  return ranges.reduce((sum, [start, end]) => sum + end - start, 0);
}
