/** Products in the tiles that real GPUs take for many large matrices, on a software adapter that is taken for one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import { requestAdapter } from '../../../src/engine/webgpu/host.ts';
import { openWebGpu } from '../../../src/engine/webgpu/open.ts';
import { runs } from '../../support/runs.ts';
import { useSwiftShader, withoutGpu } from './hosts.ts';

const thorough = runs(1) > 1;

/** A little more than a tile in both directions, and no multiple of a slice deep; as many as it takes to keep a real GPU busy. */
const sizes = { rows: 130, columns: 140, depth: 19 };
const batch = 32;

/** Row-major, complex interleaved. */
interface Entries {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

function entries(rows: number, columns: number, complex: boolean, seed: number): Entries {
  const length = batch * rows * columns * (complex ? 2 : 1);
  return {
    rows,
    columns,
    data: Float64Array.from({ length }, (_, k) => Math.fround(Math.sin(seed + 1.7 * k))),
  };
}

/** Entry (i, j) of op(matrix b). */
function at(
  { rows, columns, data }: Entries,
  complex: boolean,
  adjoint: boolean,
  b: number,
  i: number,
  j: number,
) {
  const [r, c] = adjoint ? [j, i] : [i, j];
  const k = (b * rows + r) * columns + c;
  if (!complex) return [data[k]!, 0] as const;
  return [data[2 * k]!, adjoint ? -data[2 * k + 1]! : data[2 * k + 1]!] as const;
}

/** The largest difference from what plain loops compute, at every seventh entry and at the corners of some matrices. */
function largestError(
  found: Float64Array,
  [m, n, k]: readonly [number, number, number],
  a: (b: number, i: number, l: number) => readonly [number, number],
  c: (b: number, l: number, j: number) => readonly [number, number],
  complex: boolean,
): number {
  let largest = 0;
  for (const b of [0, 1, batch - 1]) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        if ((i + j) % 7 !== 0 && i + 1 < m && j + 1 < n) continue;
        let [re, im] = [0, 0];
        for (let l = 0; l < k; l++) {
          const [x, y] = [a(b, i, l), c(b, l, j)];
          re += x[0] * y[0] - x[1] * y[1];
          im += x[0] * y[1] + x[1] * y[0];
        }
        const place = (b * m + i) * n + j;
        const error = complex
          ? Math.hypot(found[2 * place]! - re, found[2 * place + 1]! - im)
          : Math.abs(found[place]! - re);
        largest = Math.max(largest, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
      }
    }
  }
  return largest;
}

describe.skipIf(withoutGpu).each([false, true])(
  'large products, complex: %s',
  { timeout: 400_000 },
  (complex) => {
    let engine: Engine;
    beforeAll(async () => {
      useSwiftShader();
      engine = await openWebGpu({ ...(await requestAdapter()), software: false });
    });
    afterAll(() => engine.close());

    // Rows and columns change places, since a tile of a complex product is wider than high.
    const [m, n, k] = complex
      ? ([sizes.columns, sizes.rows, sizes.depth] as const)
      : ([sizes.rows, sizes.columns, sizes.depth] as const);
    // Compiling takes seconds in software.
    const options = (thorough ? [false, true] : []).flatMap((adjointA) =>
      [false, true].map((adjointB) => ({ adjointA, adjointB })),
    );

    it.each(options)('op(A) op(B), adjoints: $adjointA, $adjointB', async ({ adjointA, adjointB }) => {
      const a = adjointA ? entries(k, m, complex, 1) : entries(m, k, complex, 1);
      const b = adjointB ? entries(n, k, complex, 2) : entries(k, n, complex, 2);
      const [first, second] = [a, b].map((x) => engine.matrices(x.data, batch, x.rows, x.columns, complex));
      const result = engine.product(first!, second!, { adjointA, adjointB });
      const [found] = await engine.read(result);
      const error = largestError(
        found!,
        [m, n, k],
        (e, i, l) => at(a, complex, adjointA, e, i, l),
        (e, l, j) => at(b, complex, adjointB, e, l, j),
        complex,
      );
      expect(error).toBeLessThan(1e-4);
      engine.release(first!, second!, result);
    });

    it('W Wᴴ, exactly Hermitian', async () => {
      const size = 130;
      const w = entries(size, k, complex, 3);
      const handle = engine.matrices(w.data, batch, size, k, complex);
      const result = engine.congruence(handle);
      const [found] = await engine.read(result);
      const error = largestError(
        found!,
        [size, size, k],
        (e, i, l) => at(w, complex, false, e, i, l),
        (e, l, j) => at(w, complex, true, e, l, j),
        complex,
      );
      expect(error).toBeLessThan(1e-4);
      const whole = { rows: size, columns: size, data: found! };
      for (const [i, j] of [
        [0, 129],
        [3, 70],
        [65, 64],
        [100, 128],
      ] as const) {
        expect(at(whole, complex, false, 1, i, j)).toEqual(at(whole, complex, true, 1, i, j));
      }
      engine.release(handle, result);
    });
  },
);
