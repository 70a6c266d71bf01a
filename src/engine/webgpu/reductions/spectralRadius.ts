/**
 * max_b ‖S[b]‖₂ of Hermitian matrices from above, by Gram iteration (Delattre et al., "Efficient bound of Lipschitz constant for
 * convolutional layers by Gram iteration", ICML 2023): ‖S‖ ≤ ‖S^(2^k)‖_F^(1/2^k), at most n^(1/2^(k+1)) times the norm. Powers of two are
 * taken out of the matrices on the way, so that nothing overflows, and kept aside exactly. What rounding has done to every power is bounded
 * by its Frobenius norm, as it was computed (docs/soundness.md).
 */
import { gramErrors } from '../../gramIteration.ts';
import { threads, workgroups } from '../kernel.ts';
import { componentsOf, runsOf, type StoredMatrices, type StoredVector, widthOf } from '../memory/stored.ts';
import { hermitianProduct } from '../products/product.ts';
import type { Recorder } from '../recorder.ts';
import { largest } from '../vectors.ts';

const peaks = workgroups(
  'peaks',
  { s: 'read u32', out: 'write u32' },
  { n: 'u32', width: 'u32', parts: 'u32', skipDiagonal: 'u32', first: 'u32', offsetS: 'u32' },
);
const normalise = threads(
  'normalise',
  { s: 'read u32', peaks: 'read u32', out: 'write u32' },
  {
    ...{ n: 'u32', width: 'u32', parts: 'u32', skipDiagonal: 'u32', first: 'u32' },
    ...{ offsetS: 'u32', offsetOut: 'u32' },
  },
);
const squareSums = workgroups(
  'squareSums',
  { s: 'read f32', out: 'write f32' },
  { components: 'u32', parts: 'u32', offsetS: 'u32', first: 'u32' },
);
const gramRadius = threads(
  'gramRadius',
  { peaks: 'read u32', sums: 'read f32', out: 'write u32' },
  {
    ...{ n: 'u32', parts: 'u32', entries: 'u32', stages: 'u32', squarings: 'u32', total: 'u32' },
    ...{ epsilon: 'f32', margin: 'f32', shift: 'i32', first: 'u32' },
  },
);

/** How far the Frobenius norm of the last power may lie above its spectral norm, as a factor on the result. */
const tolerance = 2 ** -17;
/** Squarings between two normalisations: from entries below 2 they lead to less than 256 n⁷, and the one before to squares of its
 *  Frobenius norm below 2^14 n⁸. */
const squaringsAtOnce = 3;
/** Components that one workgroup looks through. */
const share = 2 ** 14;
const mostParts = 16;
const threadsOfGroup = 64;

/** max_b ‖S[b]‖₂ from above, rounding included. NaN if S holds one. */
export function spectralRadius(recorder: Recorder, s: StoredMatrices): StoredVector {
  return gramIteration(recorder, s, 'kept');
}

/** max_b ‖½(S[b] − diag S[b])‖₂ likewise. */
export function offDiagonalRadius(recorder: Recorder, s: StoredMatrices): StoredVector {
  return gramIteration(recorder, s, 'dropped');
}

/** Squarings until n^(1/2^(k+1)) < 1 + tolerance. */
export function squaringsFor(n: number): number {
  return n === 1 ? 0 : Math.max(0, Math.ceil(Math.log2(Math.log(n) / Math.log1p(tolerance))) - 1);
}

function gramIteration(recorder: Recorder, s: StoredMatrices, diagonal: 'kept' | 'dropped'): StoredVector {
  const radii = recorder.vector(s.batch);
  for (const { first, count, places } of runsOf(s.batch, { s })) {
    const { space, offset } = places.s;
    const run: StoredMatrices = { ...s, batch: count, slabs: [{ space, first: 0, count }] };
    radiiOf(recorder, run, offset, diagonal, radii, first);
  }
  const out = largest(recorder, radii);
  recorder.free(radii);
  return out;
}

/** Radii of matrices that share one buffer, from an offset in entries, to radii[first …]. */
function radiiOf(
  recorder: Recorder,
  s: StoredMatrices,
  offset: number,
  diagonal: 'kept' | 'dropped',
  radii: StoredVector,
  first: number,
): void {
  const n = s.rows;
  const entries = s.batch;
  const width = widthOf(s);
  const components = componentsOf(s);
  const parts = Math.min(mostParts, Math.ceil(components / share));
  const cost = (4 * components) / parts;
  const total = squaringsFor(n);
  const stages = Math.ceil(total / squaringsAtOnce) + 1;
  const found = recorder.scratch(stages * entries * parts);
  const sums = recorder.scratch((total + 1) * entries * parts);

  /** A copy of the matrices whose largest component lies in [1, 2). */
  const normalised = (stage: number, from: StoredMatrices, offsetS: number): StoredMatrices => {
    const skipDiagonal = Number(stage === 0 && diagonal === 'dropped');
    const sizes = { n, width, parts, skipDiagonal, first: stage * entries, offsetS: offsetS * width };
    const input = from.slabs[0]!.space;
    recorder.dispatch(peaks, { bindings: { s: input, out: found }, sizes, count: entries * parts, cost });
    const to = recorder.matrices(from);
    recorder.dispatch(normalise, {
      bindings: { s: input, peaks: found, out: to.slabs[0]!.space },
      sizes: { ...sizes, offsetOut: 0 },
      count: entries * components,
    });
    return to;
  };

  /** The square of the Frobenius norm of the k-th power. */
  const measure = (k: number, from: StoredMatrices) => {
    recorder.dispatch(squareSums, {
      bindings: { s: from.slabs[0]!.space, out: sums },
      sizes: { components, parts, offsetS: 0, first: k * entries * parts },
      count: entries * parts,
      cost,
    });
  };

  let power = normalised(0, s, offset);
  measure(0, power);
  for (let k = 1; k <= total; k++) {
    const square = hermitianProduct(recorder, power, power, { adjointB: true });
    recorder.free(power);
    power = square;
    if (k % squaringsAtOnce === 0 || k === total) {
      power = normalised(Math.ceil(k / squaringsAtOnce), square, 0);
      recorder.free(square);
    }
    measure(k, power);
  }
  recorder.free(power);
  const additions = Math.ceil(components / parts / threadsOfGroup) + threadsOfGroup + parts;
  recorder.dispatch(gramRadius, {
    bindings: { peaks: found, sums, out: radii.space },
    sizes: {
      ...{ n, parts, entries, stages, squarings: squaringsAtOnce, total, first },
      ...gramErrors(n, width === 2, additions),
      shift: diagonal === 'dropped' ? -1 : 0,
    },
    count: entries,
    cost: 64,
  });
  recorder.free(found, sums);
}
