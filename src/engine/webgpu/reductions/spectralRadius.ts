/**
 * max_b ‖S[b]‖₂ of Hermitian matrices from above, by Gram iteration (Delattre et al., "Efficient bound of Lipschitz constant for
 * convolutional layers by Gram iteration", ICML 2023): ‖S‖ ≤ ‖S^(2^k)‖_F^(1/2^k), at most n^(1/2^(k+1)) times the norm. Powers of two are
 * taken out of the matrices on the way, so that nothing overflows, and kept aside exactly. What rounding has done to every power is bounded
 * by its norms, as they were computed (docs/soundness.md). Matrices that cannot raise the maximum any more drop out on the way.
 */
import { gramErrors, squaringsFor } from '../../gramIteration.ts';
import { type Size, threads, workgroups } from '../kernel.ts';
import { componentsOf, runsOf, type StoredMatrices, type StoredVector, widthOf } from '../memory/stored.ts';
import { gramOfRows } from '../products/product.ts';
import type { Recorder } from '../recorder.ts';
import { largest } from '../vectors.ts';

const peaks = workgroups(
  'peaks',
  { s: 'read u32', out: 'write u32' },
  { n: 'u32', width: 'u32', parts: 'u32', skipDiagonal: 'u32', offsetS: 'u32' },
);
const normalise = threads(
  'normalise',
  { s: 'read u32', peaks: 'read u32', out: 'write u32' },
  { n: 'u32', width: 'u32', parts: 'u32', skipDiagonal: 'u32', offsetS: 'u32' },
);
const moments = workgroups(
  'gramMoments',
  { s: 'read scalar', settled: 'read u32', out: 'write u32' },
  { n: 'u32', parts: 'u32', first: 'u32' },
  64,
  'entriesGoingOn',
);
const normaliseAgain = threads(
  'gramNormalise',
  { moments: 'read u32', settled: 'read u32', s: 'write u32' },
  { n: 'u32', width: 'u32', parts: 'u32', first: 'u32' },
  'entriesGoingOn',
);
const accumulate = threads(
  'gramAccumulate',
  { part: 'read f32', settled: 'read u32', sum: 'write f32' },
  { components: 'u32' },
  'entriesGoingOn',
);
const known = {
  ...{ entries: 'u32', parts: 'u32', peakParts: 'u32' },
  ...{ epsilon: 'f32', margin: 'f32', slack: 'f32' },
} as const satisfies Record<string, Size>;
const settle = workgroups(
  'gramSettle',
  { peaks: 'read u32', moments: 'read u32', settled: 'write u32' },
  { ...known, k: 'u32', tolerance: 'f32' },
  64,
  ...(['gramPeak', 'gramBounds'] as const),
);
const radius = threads(
  'gramRadius',
  { peaks: 'read u32', moments: 'read u32', settled: 'read u32', out: 'write u32' },
  { ...known, n: 'u32', total: 'u32', shift: 'i32', first: 'u32' },
  ...(['gramPeak', 'gramBounds'] as const),
);

/** How far a result may lie above the norm, as a factor less 1, where the caller does not say; rounding comes on top. */
const finest = 2 ** -17;
/** The first power by which matrices drop out, and every how many after it. */
const firstSettled = 4;
const settledEvery = 2;
/** Rows whose products are summed up in one go, and how many such sums there are at most: sums of sums round less. */
const rowsAtOnce = 256;
const mostSums = 8;
/** Components that one workgroup looks through. */
const share = 2 ** 14;
const mostParts = 16;
/** Columns of a part of the moments, one to a thread. */
const columnsOfPart = 64;

/** max_b ‖S[b]‖₂ from above, rounding included. NaN if S holds one. */
export function spectralRadius(recorder: Recorder, s: StoredMatrices, tolerance = finest): StoredVector {
  return gramIteration(recorder, s, 'kept', tolerance);
}

/** max_b ‖½(S[b] − diag S[b])‖₂ likewise. */
export function offDiagonalRadius(recorder: Recorder, s: StoredMatrices, tolerance = finest): StoredVector {
  return gramIteration(recorder, s, 'dropped', tolerance);
}

type Diagonal = 'kept' | 'dropped';

function gramIteration(
  recorder: Recorder,
  s: StoredMatrices,
  diagonal: Diagonal,
  tolerance: number,
): StoredVector {
  const radii = recorder.vector(s.batch);
  for (const { first, count, places } of runsOf(s.batch, { s })) {
    const { space, offset } = places.s;
    const run: StoredMatrices = { ...s, batch: count, slabs: [{ space, first: 0, count }] };
    radiiOf(recorder, run, offset, diagonal, tolerance, radii, first);
  }
  if (radii.length === 1) return radii;
  const out = largest(recorder, radii);
  recorder.free(radii);
  return out;
}

/** Radii of matrices that share one buffer, from an offset in entries, to radii[first …]. */
function radiiOf(
  recorder: Recorder,
  s: StoredMatrices,
  offset: number,
  diagonal: Diagonal,
  tolerance: number,
  radii: StoredVector,
  first: number,
): void {
  const n = s.rows;
  const entries = s.batch;
  const width = widthOf(s);
  const components = componentsOf(s);
  const total = squaringsFor(n, tolerance);
  const parts = Math.ceil(n / columnsOfPart);
  const peakParts = Math.min(mostParts, Math.ceil(components / share));
  const slice = Math.min(n, Math.max(rowsAtOnce, Math.ceil(n / mostSums)));
  const slices = Math.ceil(n / slice);
  const found = recorder.scratch(entries * peakParts);
  const measured = recorder.scratch(3 * (total + 1) * entries * parts);
  /** Where matrices have come to their end: one more than the power. */
  const settled = recorder.words(new Uint32Array(entries));
  const sizesOfKnown = {
    ...{ entries, parts, peakParts },
    ...gramErrors(slice, slices, s.complex, n + columnsOfPart),
  };

  const start = (): StoredMatrices => {
    const input = s.slabs[0]!.space;
    const skipDiagonal = Number(diagonal === 'dropped');
    const sizes = { n, width, parts: peakParts, skipDiagonal, offsetS: offset * width };
    recorder.dispatch(peaks, {
      bindings: { s: input, out: found },
      sizes,
      count: entries * peakParts,
      cost: (4 * components) / peakParts,
    });
    const to = recorder.matrices(s);
    recorder.dispatch(normalise, {
      bindings: { s: input, peaks: found, out: to.slabs[0]!.space },
      sizes,
      count: entries * components,
    });
    return to;
  };

  const measure = (k: number, power: StoredMatrices) => {
    recorder.dispatch(moments, {
      complex: s.complex,
      bindings: { s: power.slabs[0]!.space, settled, out: measured },
      sizes: { n, parts, first: k * entries * parts },
      count: entries * parts,
      cost: (8 * components) / parts,
    });
  };

  /** P̃ᴴ P̃, by slices of the rows of P̃ whose sums are stored before they are added up. */
  const squared = (power: StoredMatrices): StoredMatrices => {
    const sum = recorder.matrices(s);
    gramOfRows(recorder, power, 0, slice, settled, sum);
    for (let at = slice; at < n; at += slice) {
      const part = recorder.matrices(s);
      gramOfRows(recorder, power, at, Math.min(slice, n - at), settled, part);
      recorder.dispatch(accumulate, {
        bindings: { part: part.slabs[0]!.space, settled, sum: sum.slabs[0]!.space },
        sizes: { components },
        count: entries * components,
      });
      recorder.free(part);
    }
    return sum;
  };

  /** One small matrix is squared sooner than looked through. */
  const worthSettling = entries > 1 || n > rowsAtOnce;
  let power = start();
  measure(0, power);
  for (let k = 1; k <= total; k++) {
    const next = squared(power);
    recorder.free(power);
    power = next;
    measure(k, power);
    if (k === total || k % 2 === 1) continue;
    if (worthSettling && k >= firstSettled && (k - firstSettled) % settledEvery === 0) {
      recorder.dispatch(settle, {
        bindings: { peaks: found, moments: measured, settled },
        sizes: { ...sizesOfKnown, k, tolerance: Math.log2(1 + tolerance) },
        count: 1,
        cost: 32 * k * entries * parts,
      });
    }
    recorder.dispatch(normaliseAgain, {
      bindings: { moments: measured, settled, s: power.slabs[0]!.space },
      sizes: { n, width, parts, first: k * entries * parts },
      count: entries * components,
    });
  }
  recorder.free(power);
  recorder.dispatch(radius, {
    bindings: { peaks: found, moments: measured, settled, out: radii.space },
    sizes: { ...sizesOfKnown, n, total, shift: diagonal === 'dropped' ? -1 : 0, first },
    count: entries,
    cost: 32 * total * parts,
  });
  recorder.free(found, measured, settled);
}
