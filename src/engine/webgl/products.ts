import type { ProductOptions } from '../handles.ts';
import { type Block, type Context, kernel } from './context.ts';
import { type BlockMatrices, extentOf, single, widthOf } from './textures.ts';

const parameters = ['block', 'block', 'count', 'count', 'count', 'count', 'count', 'count'] as const;
const realProduct = kernel('product', ...parameters);
const complexProduct = kernel('productComplex', ...parameters);
const scaleSidesKernel = kernel('scaleSides', 'block', 'numbers', 'numbers', 'count');
const windowSumKernel = kernel(
  'windowSum',
  'block',
  'block',
  'numbers',
  'count',
  'count',
  'count',
  'count',
  'count',
);
const aliasKernel = kernel('alias', 'block', 'count', 'number');

/** Numbers in all parts of a window sum: they keep a device busy and fit any memory. */
const numbersInParts = 2 ** 16;

const strideOf = ({ batch }: BlockMatrices): 0 | 1 => (batch === 1 ? 0 : 1);

/** op(A)·op(B) per batch entry. */
export function product(
  context: Context,
  a: BlockMatrices,
  b: BlockMatrices,
  options: ProductOptions = {},
): Block {
  return multiplied(context, a, b, options, false);
}

/** A·Bᴴ, which is known to be Hermitian. */
export function hermitianProduct(context: Context, a: BlockMatrices, b: BlockMatrices): Block {
  return multiplied(context, a, b, { adjointB: true }, true);
}

/** W Q Wᴴ. */
export function congruence(context: Context, w: BlockMatrices, q?: BlockMatrices | Float64Array): Block {
  const left = leftHalf(context, w, q);
  const out = hermitianProduct(context, left, w);
  if (left !== w) left.data.texture.delete();
  return out;
}

/** Wᴴ G W. */
export function congruenceAdjoint(context: Context, w: BlockMatrices, g: BlockMatrices): Block {
  const batch = Math.max(w.batch, g.batch);
  const shape = { batch, rows: w.columns, columns: w.rows, complex: w.complex };
  const left = { ...shape, data: product(context, w, g, { adjointA: true }) };
  const out = multiplied(context, left, w, {}, true);
  left.data.texture.delete();
  return out;
}

/** Σ_b weights[b] · Re(W[b] Q[b] W[b]ᴴ): parts of the sum over b side by side, then their sum. */
export function windowSum(
  context: Context,
  w: BlockMatrices,
  q: BlockMatrices | Float64Array | undefined,
  weights: Float64Array,
): Block {
  const left = leftHalf(context, w, q);
  const m = w.rows;
  const most = Math.max(1, Math.floor(numbersInParts / (m * m)));
  const share = Math.ceil(left.batch / most);
  const count = Math.ceil(left.batch / share);
  const parts = context.run(
    windowSumKernel,
    { x: m, y: m, z: count },
    ...[left.data, w.data, single(weights), left.data.x, share, left.batch, strideOf(left), strideOf(w)],
  );
  if (left !== w) left.data.texture.delete();
  const sum = context.run(aliasKernel, { x: m, y: m, z: 1 }, parts, count, 1);
  parts.texture.delete();
  return sum;
}

/** diag(left) · A · diag(right); an absent side is the identity. */
export function scaleSides(
  context: Context,
  a: BlockMatrices,
  left: Float64Array | undefined,
  right: Float64Array | undefined,
): Block {
  const l = left ? single(left) : new Float32Array(a.rows).fill(1);
  const r = right ? single(right) : new Float32Array(a.columns).fill(1);
  return context.run(scaleSidesKernel, extentOf(a), a.data, l, r, widthOf(a));
}

/** W Q, the left half of a congruence: W itself without Q, its columns scaled by a diagonal. */
function leftHalf(
  context: Context,
  w: BlockMatrices,
  q: BlockMatrices | Float64Array | undefined,
): BlockMatrices {
  if (q === undefined) return w;
  if (q instanceof Float64Array) return { ...w, data: scaleSides(context, w, undefined, q) };
  return { ...w, batch: Math.max(w.batch, q.batch), data: product(context, w, q, {}) };
}

function multiplied(
  context: Context,
  a: BlockMatrices,
  b: BlockMatrices,
  { adjointA = false, adjointB = false }: ProductOptions,
  hermitian: boolean,
): Block {
  const shape = {
    batch: Math.max(a.batch, b.batch),
    rows: adjointA ? a.columns : a.rows,
    columns: adjointB ? b.rows : b.columns,
    complex: a.complex,
  };
  const inner = adjointA ? a.rows : a.columns;
  return context.run(
    a.complex ? complexProduct : realProduct,
    extentOf(shape),
    ...[
      a.data,
      b.data,
      inner,
      Number(adjointA),
      Number(adjointB),
      strideOf(a),
      strideOf(b),
      Number(hermitian),
    ],
  );
}
