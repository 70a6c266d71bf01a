/** Reductions over a batch to one number per row: parts of the batch on the device, then over the parts on the host. */
import { type Block, type Context, type Kernel, kernel } from './context.ts';
import { type BlockMatrices, extentOf, uploaded, widthOf } from './textures.ts';

const rowSumsKernel = kernel('rowSums', 'block', 'count', 'count', 'count');
const rowSumsComplex = kernel('rowSumsComplex', 'block', 'count', 'count', 'count');
const rowSumsAdjointKernel = kernel('rowSumsAdjoint', 'block', 'block', 'count');
const diagonalKernel = kernel('diagonal', 'block', 'count', 'count', 'count');
const diagonalSumKernel = kernel('diagonalSum', 'block', 'count', 'count', 'count');

/** A row attains the largest sum if it comes this close: other shares of the batch may be compiled to sums of another order. */
const almost = 1 - 2 ** -18;

/** out_i = max_b Σ_j |S_ij|; NaN wins. */
export function rowSums(context: Context, s: BlockMatrices): Float64Array {
  return sumsOfRows(context, s, shareOf(s)).reduce(larger);
}

/** out_i = max_b Re S_ii; NaN wins. */
export function diagonal(context: Context, s: BlockMatrices): Float64Array {
  return parts(context, diagonalKernel, s, widthOf(s), shareOf(s)).reduce(larger);
}

/** out_i = max_b x_i of real columns x [B | n × 1]; NaN wins. */
export function columnMaximum(context: Context, x: BlockMatrices): Float64Array {
  // A column's only number stands where the diagonal of a matrix without columns would.
  return parts(context, diagonalKernel, x, 0, shareOf(x)).reduce(larger);
}

/** out_i = Σ_b Re A_ii. */
export function diagonalSum(context: Context, a: BlockMatrices): Float64Array {
  return parts(context, diagonalSumKernel, a, widthOf(a), shareOf(a)).reduce((x, y) =>
    x.map((v, i) => v + y[i]!),
  );
}

/** The adjoint of `rowSums`. */
export function rowSumsAdjoint(
  context: Context,
  s: BlockMatrices,
  sums: Float64Array,
  coefficients: Float64Array,
): Block {
  const n = s.rows;
  const own = sumsOfRows(context, s, 1);
  const attained = (b: number, i: number) => own[b]![i]! >= sums[i]! * almost;
  const times = coefficients.map((_, i) => own.reduce((count, _, b) => count + Number(attained(b, i)), 0));
  const shared = new Float64Array(s.batch * n).map((_, at) => {
    const [b, i] = [Math.floor(at / n), at % n];
    return attained(b, i) ? coefficients[i]! / times[i]! : 0;
  });
  const block = uploaded(context, shared, { x: n, y: s.batch, z: 1 });
  const out = context.run(rowSumsAdjointKernel, extentOf(s), s.data, block, widthOf(s));
  block.texture.delete();
  return out;
}

/** Batch entries in a part: about as many as there are parts. */
const shareOf = ({ batch }: BlockMatrices): number => Math.ceil(Math.sqrt(batch));

function sumsOfRows(context: Context, s: BlockMatrices, share: number): Float64Array[] {
  return parts(context, s.complex ? rowSumsComplex : rowSumsKernel, s, s.rows, share);
}

/** What a kernel makes of every part, row by row. */
function parts(
  context: Context,
  kernel: Kernel,
  s: BlockMatrices,
  parameter: number,
  share: number,
): Float64Array[] {
  const n = s.rows;
  const count = Math.ceil(s.batch / share);
  const all = context.take(context.run(kernel, { x: n, y: count, z: 1 }, s.data, parameter, share, s.batch));
  return Array.from({ length: count }, (_, part) => all.subarray(part * n, (part + 1) * n));
}

function larger(x: Float64Array, y: Float64Array): Float64Array {
  return x.map((value, i) => Math.max(value, y[i]!));
}
