/** The engines under test, and what they are tested on. */
import type { EngineOptions } from '../../src/engine/create.ts';

/** Set to 1 on machines without OpenBLAS; elsewhere its absence is a failure. */
const withoutBlas = process.env.LIPSOID_WITHOUT_BLAS === '1';

export const choices: readonly (EngineOptions & {
  readonly engine: 'cpu-wasm' | 'cpu-blas';
  readonly threads: number;
})[] = [
  { engine: 'cpu-wasm', threads: 1 },
  { engine: 'cpu-wasm', threads: 2 },
  ...(withoutBlas ? [] : [{ engine: 'cpu-blas', threads: 2 } as const]),
];

/** Relative to the largest entry of a result. */
export const tolerances = {
  /** Copies and exact scalings. */
  exact: 0,
  /** A few roundings an entry. */
  elementwise: 1e-15,
  /** Sums of up to 260 products, twice nested; typical errors stay below √n u. */
  product: 2e-13,
  /** Condition numbers of the test matrices stay below 100. */
  inverse: 5e-12,
} as const;

export type ToleranceName = keyof typeof tolerances;

/** The same in float32, for inputs that it holds exactly. */
export const singleTolerances: Readonly<Record<ToleranceName, number>> = {
  /** One rounding. */
  exact: 2 ** -24,
  elementwise: 1e-6,
  product: 4e-6,
  inverse: 5e-5,
};

/** Uniform numbers in (−1, 1), the same for the same seed (Mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

export function randomNumbers(seed: number, length: number): Float64Array {
  return new Float64Array(length).map(random(seed));
}

/** Hermitian matrices, neither positive nor negative. */
export function randomHermitian(seed: number, batch: number, n: number, complex: boolean): Float64Array {
  const next = random(seed);
  const width = complex ? 2 : 1;
  const out = new Float64Array(batch * n * n * width);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        const lower = ((b * n + i) * n + j) * width;
        const upper = ((b * n + j) * n + i) * width;
        out[lower] = out[upper] = next();
        if (complex && i !== j) {
          out[lower + 1] = next();
          out[upper + 1] = -out[lower + 1]!;
        }
      }
    }
  }
  return out;
}
