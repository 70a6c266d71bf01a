/** Operations on small vectors, of which those of length 1 are broadcast. */
import { threads } from './kernel.ts';
import { componentsOf, runsOf, type StoredMatrices, widthOf } from './memory/stored.ts';
import { StoredVector } from './memory/vector.ts';
import type { Recorder } from './recorder.ts';
import { uploadedTable } from './table.ts';

const kernels = {
  maximumOver: threads(
    'maximumOver',
    { a: 'read u32', starts: 'read u32', indices: 'read u32', out: 'write u32' },
    {},
  ),
  sumOver: threads(
    'sumOver',
    { a: 'read f32', starts: 'read u32', indices: 'read u32', out: 'write f32' },
    {},
  ),
  scaleByPower: threads(
    'scaleByPower',
    { a: 'read u32', e: 'read f32', out: 'write u32' },
    { sign: 'i32', offsetA: 'u32', offsetOut: 'u32' },
  ),
  choose: threads(
    'choose',
    {
      ...{ score0: 'read u32', score1: 'read u32', candidate0: 'read u32', candidate1: 'read u32' },
      ...{ score: 'write u32', out: 'write u32' },
    },
    {},
  ),
} as const;

/** Σ_k coefficient_k · vector_k, summed in the order of the terms. */
export function combine(
  recorder: Recorder,
  terms: readonly (readonly [coefficient: number, vector: StoredVector])[],
): StoredVector {
  let sum: StoredVector | undefined;
  for (let first = 0; first < terms.length; first += mostTerms) {
    const own = terms.slice(first, first + mostTerms);
    const form = {
      kind: 'combine',
      coefficients: [...(sum ? [1] : []), ...own.map(([coefficient]) => coefficient)],
    } as const;
    const next = StoredVector.made(recorder, form, [
      ...(sum ? [sum] : []),
      ...own.map(([, vector]) => vector),
    ]);
    sum?.release();
    sum = next;
  }
  return sum!;
}

/** Of a sum in one expression, the sum of those before among them. */
const mostTerms = 6;

export function multiply(recorder: Recorder, a: StoredVector, b: StoredVector): StoredVector {
  return StoredVector.made(recorder, { kind: 'multiply' }, [a, b]);
}

/** NaN wins. */
export function maximum(recorder: Recorder, a: StoredVector, b: StoredVector): StoredVector {
  return StoredVector.made(recorder, { kind: 'maximum' }, [a, b]);
}

export function reciprocal(recorder: Recorder, a: StoredVector): StoredVector {
  return StoredVector.made(recorder, { kind: 'reciprocal' }, [a]);
}

export function squareRoot(recorder: Recorder, a: StoredVector): StoredVector {
  return StoredVector.made(recorder, { kind: 'squareRoot' }, [a]);
}

/** out_k = the largest of a over the indices of windows[k]; NaN wins. */
export function maximumOver(
  recorder: Recorder,
  a: StoredVector,
  windows: readonly Int32Array[],
): StoredVector {
  return overWindows(recorder, kernels.maximumOver, a, windows);
}

/** out_k = the sum of a over the indices of windows[k]. */
export function sumOver(recorder: Recorder, a: StoredVector, windows: readonly Int32Array[]): StoredVector {
  return overWindows(recorder, kernels.sumOver, a, windows);
}

function overWindows(
  recorder: Recorder,
  kernel: typeof kernels.maximumOver | typeof kernels.sumOver,
  a: StoredVector,
  windows: readonly Int32Array[],
): StoredVector {
  const { starts, indices } = uploadedTable(recorder, windows);
  const out = recorder.vector(windows.length);
  recorder.dispatch(kernel, {
    bindings: { a: a.space, starts, indices, out: out.space },
    sizes: {},
    count: windows.length,
  });
  recorder.free(starts, indices);
  return out;
}

/** NaN wins. */
export function largest(_recorder: Recorder, a: StoredVector): StoredVector {
  return a.largest();
}

/** floor(log2(largest entry)); 0 when it is 0, NaN when it has no exponent (negative, infinite, NaN). */
export function exponent(recorder: Recorder, a: StoredVector): StoredVector {
  const most = a.largest();
  const out = StoredVector.made(recorder, { kind: 'exponent' }, [most]);
  most.release();
  return out;
}

/** a · 2^(sign · e). */
export function scaleByPower(
  recorder: Recorder,
  a: StoredMatrices | StoredVector,
  e: StoredVector,
  sign: 1 | -1,
): StoredMatrices | StoredVector {
  return a.kind === 'vector'
    ? StoredVector.made(recorder, { kind: 'scaleByPower', sign }, [a, e])
    : scaleMatricesByPower(recorder, a, e, sign);
}

function scaleMatricesByPower(
  recorder: Recorder,
  a: StoredMatrices,
  e: StoredVector,
  sign: 1 | -1,
): StoredMatrices {
  const out = recorder.matrices(a);
  const width = widthOf(a);
  for (const { count, places } of runsOf(a.batch, { a, out })) {
    recorder.dispatch(kernels.scaleByPower, {
      bindings: { a: places.a.space, e: e.space, out: places.out.space },
      sizes: { sign, offsetA: places.a.offset * width, offsetOut: places.out.offset * width },
      count: count * componentsOf(a),
    });
  }
  return out;
}

/** The candidate with the smallest score, the first of equals; NaN all over if every score is NaN. Found in pairs. */
export function choose(
  recorder: Recorder,
  scores: readonly StoredVector[],
  candidates: readonly StoredVector[],
): StoredVector {
  let best = { score: scores[0]!, candidate: candidates[0]! };
  // A single candidate meets itself: its score may be NaN.
  for (let k = Math.min(1, scores.length - 1); k < scores.length; k++) {
    const score = recorder.vector(1);
    const out = recorder.vector(best.candidate.length);
    recorder.dispatch(kernels.choose, {
      bindings: {
        ...{ score0: best.score.space, score1: scores[k]!.space },
        ...{ candidate0: best.candidate.space, candidate1: candidates[k]!.space },
        ...{ score: score.space, out: out.space },
      },
      sizes: {},
      count: out.length,
    });
    if (best.score !== scores[0]) recorder.free(best.score, best.candidate);
    best = { score, candidate: out };
  }
  recorder.free(best.score);
  return best.candidate;
}
