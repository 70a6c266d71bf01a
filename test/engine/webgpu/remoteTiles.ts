/**
 * What real GPUs multiply and invert by, on a software adapter that is taken for one, as a script for Deno: its llvmpipe compiles kernels with
 * barriers in a fraction of a second that keep SwiftShader busy for a minute.
 */
import type { Engine } from '../../../src/engine/engine.ts';
import { requestAdapter } from '../../../src/engine/webgpu/host.ts';
import { openWebGpu } from '../../../src/engine/webgpu/open.ts';
import { type Case, cases } from '../operations/cases.ts';
import { checkTwin } from './check.ts';

export const tiledChecks: readonly string[] = [
  ...['product', 'product with adjoints', 'congruence', 'congruenceAdjoint', 'radii', 'inverse'],
];
/** Exactly one tile, a little more than one, and three; one matrix or several. */
export const tiledCases: readonly Case[] = cases.filter(({ n }) => n >= 64);

/** Products of many matrices of more than the largest tile, and by no multiple of a slice. */
const large = { rows: 130, columns: 140, depth: 19, batch: 32 } as const;

export interface TilesReport {
  readonly adapter: string;
  /** What failed, by check. A check without failures has an empty list. */
  readonly failures: Readonly<Record<string, readonly string[]>>;
  readonly products: readonly LargeProduct[];
}

export interface LargeProduct {
  readonly name: string;
  /** The largest difference from what plain loops compute. */
  readonly error: number;
  /** Where the result must be Hermitian: whether it is exactly so. */
  readonly hermitian?: boolean;
}

/** The report of every check on every case, and of products in the largest tiles. */
export async function tiles(): Promise<TilesReport> {
  const adapter = await requestAdapter();
  const engine = await openWebGpu({ ...adapter, software: false });
  const failures: Record<string, string[]> = {};
  for (const name of tiledChecks) {
    const list: string[] = [];
    failures[name] = list;
    for (const given of tiledCases) {
      try {
        await checkTwin(engine, name, given);
      } catch (error) {
        list.push(`n = ${given.n}, batch = ${given.batch}, complex = ${given.complex}: ${String(error)}`);
      }
    }
  }
  const products: LargeProduct[] = [];
  for (const complex of [false, true]) {
    for (const adjointA of [false, true])
      for (const adjointB of [false, true]) products.push(await product(engine, complex, adjointA, adjointB));
    products.push(await congruence(engine, complex));
  }
  await engine.close();
  return { adapter: adapter.name, failures, products };
}

async function product(
  engine: Engine,
  complex: boolean,
  adjointA: boolean,
  adjointB: boolean,
): Promise<LargeProduct> {
  // Rows and columns change places, since a tile of a complex product is wider than high.
  const { depth: k, batch } = large;
  const [m, n] = complex ? [large.columns, large.rows] : [large.rows, large.columns];
  const a = adjointA ? entries(k, m, complex, 1) : entries(m, k, complex, 1);
  const b = adjointB ? entries(n, k, complex, 2) : entries(k, n, complex, 2);
  const [first, second] = [a, b].map((x) => engine.matrices(x.data, batch, x.rows, x.columns, complex));
  const result = engine.product(first!, second!, { adjointA, adjointB });
  const [found] = await engine.read(result);
  engine.release(first!, second!, result);
  const error = largestError(
    { rows: m, columns: n, data: found!, complex },
    (e, i, l) => entryAt(a, adjointA, e, i, l),
    (e, l, j) => entryAt(b, adjointB, e, l, j),
  );
  return { name: `op(A) op(B), complex: ${complex}, adjoints: ${adjointA}, ${adjointB}`, error };
}

/** W Wᴴ, of which both triangles come from one. */
async function congruence(engine: Engine, complex: boolean): Promise<LargeProduct> {
  const { rows: size, depth, batch } = large;
  const w = entries(size, depth, complex, 3);
  const handle = engine.matrices(w.data, batch, size, depth, complex);
  const result = engine.congruence(handle);
  const [found] = await engine.read(result);
  engine.release(handle, result);
  const whole = { rows: size, columns: size, data: found!, complex };
  const error = largestError(
    whole,
    (e, i, l) => entryAt(w, false, e, i, l),
    (e, l, j) => entryAt(w, true, e, l, j),
  );
  let hermitian = true;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) {
      const [re, im] = entryAt(whole, false, 1, i, j);
      const [mirroredRe, mirroredIm] = entryAt(whole, true, 1, i, j);
      hermitian &&= re === mirroredRe && im === mirroredIm;
    }
  }
  return { name: `W Wᴴ, complex: ${complex}`, error, hermitian };
}

/** A batch of matrices, row-major, complex interleaved. */
interface Entries {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
  readonly complex: boolean;
}

type Entry = readonly [re: number, im: number];

function entries(rows: number, columns: number, complex: boolean, seed: number): Entries {
  const length = large.batch * rows * columns * (complex ? 2 : 1);
  const data = Float64Array.from({ length }, (_, k) => Math.fround(Math.sin(seed + 1.7 * k)));
  return { rows, columns, data, complex };
}

/** Entry (i, j) of op(matrix b). */
function entryAt(
  { rows, columns, data, complex }: Entries,
  adjoint: boolean,
  b: number,
  i: number,
  j: number,
): Entry {
  const [r, c] = adjoint ? [j, i] : [i, j];
  const k = (b * rows + r) * columns + c;
  if (!complex) return [data[k]!, 0];
  return [data[2 * k]!, adjoint ? -data[2 * k + 1]! : data[2 * k + 1]!];
}

/** The largest difference from what plain loops compute, at every seventh entry and at the edges of some matrices; NaN counts as infinite. */
function largestError(
  found: Entries,
  a: (b: number, i: number, l: number) => Entry,
  c: (b: number, l: number, j: number) => Entry,
): number {
  let largest = 0;
  for (const b of [0, 1, large.batch - 1]) {
    for (let i = 0; i < found.rows; i++) {
      for (let j = 0; j < found.columns; j++) {
        if ((i + j) % 7 !== 0 && i + 1 < found.rows && j + 1 < found.columns) continue;
        let [re, im] = [0, 0];
        for (let l = 0; l < large.depth; l++) {
          const [x, y] = [a(b, i, l), c(b, l, j)];
          re += x[0] * y[0] - x[1] * y[1];
          im += x[0] * y[1] + x[1] * y[0];
        }
        const [foundRe, foundIm] = entryAt(found, false, b, i, j);
        const error = Math.hypot(foundRe - re, foundIm - im);
        largest = Math.max(largest, Number.isNaN(error) ? Infinity : error);
      }
    }
  }
  return largest;
}
