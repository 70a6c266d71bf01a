/** Networks that sort groups of channels: random ones, and such as libraries of 1-Lipschitz layers make. */
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network, TensorId } from '../../src/network/network.ts';
import type { Grouped, Operator } from '../../src/network/operator.ts';
import type { Random } from './random.ts';

/** Groups of n channels each: `split` a channel of every n-th part of them, else neighbours. */
export function sorting(channels: number, n: number, split: boolean, descending = true): Grouped {
  const count = channels / n;
  const at = (g: number, k: number) => (split ? k * count + g : g * n + k);
  const groups = Array.from({ length: count }, (_, g) => Int32Array.from({ length: n }, (_, k) => at(g, k)));
  return { kind: 'grouped', function: { name: 'sort', descending }, groups, wide: false };
}

/** Rows of a random orthogonal matrix. */
export function orthonormal(random: Random, n: number, rows = n): Float64Array[] {
  const made: Float64Array[] = [];
  while (made.length < rows) {
    let v = random.normals(n);
    // Twice is enough.
    for (const row of [...made, ...made]) {
      const along = row.reduce((sum, value, k) => sum + value * v[k]!, 0);
      v = v.map((value, k) => value - along * row[k]!);
    }
    const length = Math.hypot(...v);
    made.push(v.map((value) => value / length));
  }
  return made;
}

/**
 * A 2×2 kernel whose circular convolution is orthogonal (block convolutions of Li et al. 2019): O (P + (I − P) z) (Q + (I − Q) w) with
 * projections P and Q and the shifts z and w.
 */
function orthogonalKernel(random: Random, n: number): Float64Array {
  const projection = () => {
    const rows = orthonormal(random, n, n / 2);
    return matrix(n, (i, j) => rows.reduce((sum, row) => sum + row[i]! * row[j]!, 0));
  };
  const [o, p, q] = [orthonormal(random, n), projection(), projection()];
  const rest = (m: Float64Array[]) => matrix(n, (i, j) => (i === j ? 1 : 0) - m[i]![j]!);
  const taps = [p, rest(p)].flatMap((a) => [q, rest(q)].map((b) => times(times(o, a), b)));
  const weight = new Float64Array(4 * n * n);
  for (const [t, tap] of taps.entries()) {
    for (const [i, row] of tap.entries())
      for (const [j, value] of row.entries()) weight[(i * n + j) * 4 + t] = value;
  }
  return weight;
}

function matrix(n: number, entry: (i: number, j: number) => number): Float64Array[] {
  return Array.from({ length: n }, (_, i) => Float64Array.from({ length: n }, (_, j) => entry(i, j)));
}

function times(a: Float64Array[], b: Float64Array[]): Float64Array[] {
  return matrix(a.length, (i, j) => a[i]!.reduce((sum, value, k) => sum + value * b[k]![j]!, 0));
}

export interface OneLipschitz {
  readonly channels: number;
  readonly side: number;
  readonly depth: number;
  /** Entries of a group; 1: moduli instead. */
  readonly n: number;
  readonly mode: 'zero' | 'circular';
}

/** Orthogonal convolutions, sorting between them, and a last layer whose rows have norm 1. */
export function oneLipschitz(random: Random, { channels, side, depth, n, mode }: OneLipschitz): Network {
  const b = new NetworkBuilder('1-Lipschitz');
  let x = b.input('x', [channels, side, side]);
  for (let layer = 0; layer < depth; layer++) {
    const weight = orthogonalKernel(random, channels);
    x = b.add(`conv ${layer}`, square(channels, channels, 2, mode, weight), [x]);
    const abs = { kind: 'nonlinearity', function: { name: 'abs' } } as const;
    x = b.add(`sort ${layer}`, n === 1 ? abs : sorting(channels, n, layer % 2 === 0), [x]);
  }
  const inputs = channels * side ** 2;
  const rows = Array.from({ length: 3 }, () => orthonormal(random, inputs, 1)[0]!);
  const flat = b.add('flat', { kind: 'reindex', permutation: [0, 1, 2], shape: [inputs] }, [x]);
  const weight = Float64Array.from(rows.flatMap((row) => [...row]));
  return b.build(b.add('dense', { kind: 'affine', outputs: rows.length, inputs, weight }, [flat]));
}

/** A convolution with k×k kernels and stride 1 that keeps sides as they are. */
export function square(
  inputs: number,
  outputs: number,
  k: number,
  mode: 'zero' | 'circular',
  weight: Float64Array,
): Operator {
  const [front, back] = [Math.floor(k / 2), Math.floor((k - 1) / 2)];
  return {
    ...{ kind: 'convolution', inputs, outputs, groups: 1, kernel: [k, k], stride: [1, 1], dilation: [1, 1] },
    ...{ padding: { mode, before: [front, front], after: [back, back] }, weight },
  };
}

/** Dense layers or convolutions, groups of 2 to 5 sorted between them, now and then something beside these. */
export function randomSorting(random: Random): Network {
  const b = new NetworkBuilder('sorting');
  const axes = random.integer(0, 2);
  const mode = random.uniform() < 0.5 ? 'zero' : 'circular';
  let x = b.input('x', [random.integer(1, 4), ...Array.from({ length: axes }, () => random.integer(3, 5))]);
  const linear = (outputs: number) => {
    const [channels, ...sides] = b.shape(x);
    if (axes === 0 || sides.length === 0) {
      const weight = random.normals(outputs * channels!, 0.7);
      x = b.add('', { kind: 'affine', outputs, inputs: channels!, weight }, [x]);
      return;
    }
    const kernel = sides.map(() => random.integer(1, 3));
    const size = kernel.reduce((p, k) => p * k, 1);
    const stride = sides.map(() => (mode === 'zero' ? random.integer(1, 2) : 1));
    const before = kernel.map((k) => Math.floor(k / 2));
    const after = kernel.map((k) => Math.floor((k - 1) / 2));
    const weight = random.normals(outputs * channels! * size, 0.9 / Math.sqrt(size));
    const shape = { inputs: channels!, outputs, groups: 1, kernel, stride, dilation: kernel.map(() => 1) };
    x = b.add('', { kind: 'convolution', ...shape, padding: { mode, before, after }, weight }, [x]);
  };
  for (let layer = random.integer(1, 3); layer > 0; layer--) {
    const n = random.integer(2, 5);
    linear(n * random.integer(1, n === 2 ? 3 : 2));
    const before: TensorId = x;
    const own = sorting(b.shape(x)[0]!, n, random.uniform() < 0.5, random.uniform() < 0.5);
    x = b.add('', own, [x]);
    const choice = random.uniform();
    if (choice < 0.25) x = b.add('', { kind: 'add', coefficients: [random.normal(), 1] }, [before, x]);
    else if (choice < 0.4) x = b.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [x]);
    else if (choice < 0.5) x = b.add('', { kind: 'concat' }, [x, before]);
  }
  linear(random.integer(1, 3));
  return b.build(x);
}
