/** max_b ‖S[b]‖₂ of Hermitian matrices by power iteration: about, and from below. */
import { workgroups } from '../kernel.ts';
import { componentsOf, runsOf, type StoredMatrices, type StoredVector, widthOf } from '../memory/stored.ts';
import type { Recorder } from '../recorder.ts';
import { largest } from '../vectors.ts';

const step = workgroups(
  'powerStep',
  { s: 'read scalar', x: 'read u32', y: 'write u32' },
  { n: 'u32', width: 'u32', offsetS: 'u32', stride: 'u32' },
  64,
  'hashed',
);
const iteration = workgroups(
  'powerIteration',
  { s: 'read scalar', out: 'write u32' },
  { n: 'u32', offsetS: 'u32', stride: 'u32', first: 'u32', steps: 'u32' },
  256,
  'hashed',
);
const norm = workgroups(
  'powerNorm',
  { x: 'read u32', y: 'read u32', out: 'write u32' },
  { length: 'u32', first: 'u32' },
);

/** From a random vector: a few percent below the norm where eigenvalues are dense up to it, and alike for matrices that are alike. */
const steps = 8;
/** Rows of matrices whose vectors fit a workgroup: then one dispatch is all. */
const mostRows = 512;
/** Entries of y that a workgroup computes. */
const tile = 64;
/** Matrices that are looked at: of the thousands of frequencies of a large image neighbours are alike. */
const enoughMatrices = 512;

/** About max_b ‖S[b]‖₂. NaN if S holds one. */
export function estimatedRadius(recorder: Recorder, s: StoredMatrices): StoredVector {
  const n = s.rows;
  const width = widthOf(s);
  const every = Math.max(1, Math.floor(s.batch / enoughMatrices));
  const runs = runsOf(s.batch, { s }).map(({ count, places }) => ({
    count: Math.ceil(count / every),
    places,
  }));
  const radii = recorder.vector(runs.reduce((sum, { count }) => sum + count, 0));
  const stride = every * n * n;
  let first = 0;
  for (const { count, places } of runs) {
    if (n <= mostRows) {
      recorder.dispatch(iteration, {
        complex: s.complex,
        bindings: { s: places.s.space, out: radii.space },
        sizes: { n, offsetS: places.s.offset, stride, first, steps },
        count,
        cost: 4 * steps * componentsOf(s) * width,
      });
      first += count;
      continue;
    }
    let [x, y] = [recorder.scratch(count * n * width), recorder.scratch(count * n * width)];
    for (let k = 0; k < steps; k++) {
      [x, y] = [y, x];
      recorder.dispatch(step, {
        complex: s.complex,
        constants: { begin: k === 0 },
        bindings: { s: places.s.space, x, y },
        sizes: { n, width, offsetS: places.s.offset, stride },
        count: count * Math.ceil(n / tile),
        cost: (4 * componentsOf(s) * tile * width) / n,
      });
    }
    recorder.dispatch(norm, {
      bindings: { x, y, out: radii.space },
      sizes: { length: n * width, first },
      count,
      cost: 8 * n * width,
    });
    recorder.free(x, y);
    first += count;
  }
  if (radii.length === 1) return radii;
  const out = largest(recorder, radii);
  recorder.free(radii);
  return out;
}
