/** Operations on small vectors, of which those of length 1 are broadcast. */
import { threads, workgroups } from './kernel.ts';
import { componentsOf, runsOf, type StoredMatrices, type StoredVector, widthOf } from './memory/stored.ts';
import type { Recorder } from './recorder.ts';
import { uploadedTable } from './table.ts';

const strides = { strideA: 'u32', strideB: 'u32' } as const;
const kernels = {
  scale: threads('scale', { a: 'read f32', out: 'write f32' }, { alpha: 'f32' }),
  combine: threads(
    'combine',
    { a: 'read f32', b: 'read f32', out: 'write f32' },
    { ...strides, alpha: 'f32', beta: 'f32' },
  ),
  multiply: threads('multiply', { a: 'read f32', b: 'read f32', out: 'write f32' }, strides),
  maximum: threads('maximum', { a: 'read u32', b: 'read u32', out: 'write u32' }, strides),
  reciprocal: threads('reciprocal', { a: 'read f32', out: 'write f32' }, {}),
  squareRoot: threads('squareRoot', { a: 'read u32', out: 'write u32' }, {}),
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
  largest: workgroups('largest', { a: 'read u32', out: 'write u32' }, { n: 'u32' }),
  exponent: threads('exponent', { a: 'read u32', out: 'write u32' }, {}),
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

const strideOf = (vector: StoredVector) => (vector.length === 1 ? 0 : 1);
const commonLength = (...vectors: readonly StoredVector[]) =>
  Math.max(...vectors.map(({ length }) => length));

/** Σ_k coefficient_k · vector_k, summed in the order of the terms. */
export function combine(
  recorder: Recorder,
  terms: readonly (readonly [coefficient: number, vector: StoredVector])[],
): StoredVector {
  const length = commonLength(...terms.map(([, vector]) => vector));
  const [first, ...others] = terms;
  let [alpha, a] = first!;
  let sum: StoredVector | undefined;
  for (const [beta, b] of others) {
    const out = recorder.vector(length);
    recorder.dispatch(kernels.combine, {
      bindings: { a: a.space, b: b.space, out: out.space },
      sizes: { strideA: strideOf(a), strideB: strideOf(b), alpha, beta },
      count: length,
    });
    if (sum) recorder.free(sum);
    sum = a = out;
    alpha = 1;
  }
  if (sum) return sum;
  const out = recorder.vector(length);
  recorder.dispatch(kernels.scale, {
    bindings: { a: a.space, out: out.space },
    sizes: { alpha },
    count: length,
  });
  return out;
}

export function multiply(recorder: Recorder, a: StoredVector, b: StoredVector): StoredVector {
  return pairwise(recorder, kernels.multiply, a, b);
}

/** NaN wins. */
export function maximum(recorder: Recorder, a: StoredVector, b: StoredVector): StoredVector {
  return pairwise(recorder, kernels.maximum, a, b);
}

function pairwise(
  recorder: Recorder,
  kernel: typeof kernels.multiply | typeof kernels.maximum,
  a: StoredVector,
  b: StoredVector,
): StoredVector {
  const length = commonLength(a, b);
  const out = recorder.vector(length);
  recorder.dispatch(kernel, {
    bindings: { a: a.space, b: b.space, out: out.space },
    sizes: { strideA: strideOf(a), strideB: strideOf(b) },
    count: length,
  });
  return out;
}

export function reciprocal(recorder: Recorder, a: StoredVector): StoredVector {
  const out = recorder.vector(a.length);
  const bindings = { a: a.space, out: out.space };
  recorder.dispatch(kernels.reciprocal, { bindings, sizes: {}, count: a.length });
  return out;
}

export function squareRoot(recorder: Recorder, a: StoredVector): StoredVector {
  const out = recorder.vector(a.length);
  const bindings = { a: a.space, out: out.space };
  recorder.dispatch(kernels.squareRoot, { bindings, sizes: {}, count: a.length });
  return out;
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
export function largest(recorder: Recorder, a: StoredVector): StoredVector {
  const out = recorder.vector(1);
  recorder.dispatch(kernels.largest, {
    bindings: { a: a.space, out: out.space },
    sizes: { n: a.length },
    count: 1,
    cost: a.length,
  });
  return out;
}

/** floor(log2(largest entry)); 0 when it is 0, NaN when it has no exponent (negative, infinite, NaN). */
export function exponent(recorder: Recorder, a: StoredVector): StoredVector {
  const most = largest(recorder, a);
  const out = recorder.vector(1);
  recorder.dispatch(kernels.exponent, {
    bindings: { a: most.space, out: out.space },
    sizes: {},
    count: 1,
  });
  recorder.free(most);
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
    ? scaleVectorByPower(recorder, a, e, sign)
    : scaleMatricesByPower(recorder, a, e, sign);
}

function scaleVectorByPower(
  recorder: Recorder,
  a: StoredVector,
  e: StoredVector,
  sign: 1 | -1,
): StoredVector {
  const out = recorder.vector(a.length);
  recorder.dispatch(kernels.scaleByPower, {
    bindings: { a: a.space, e: e.space, out: out.space },
    sizes: { sign, offsetA: 0, offsetOut: 0 },
    count: a.length,
  });
  return out;
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
