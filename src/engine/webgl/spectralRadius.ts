/**
 * max_b ‖S[b]‖₂ of Hermitian matrices from above, by Gram iteration: ‖S‖ = ‖S^(2^k)‖^(1/2^k) ≤ ‖S^(2^k)‖_F^(1/2^k), and the Frobenius
 * norm is at most √n times the spectral norm, so that the root of that factor soon vanishes (Delattre, Barthélemy, Araujo & Allauzen,
 * "Efficient bound of Lipschitz constant for convolutional layers by Gram iteration", ICML 2023). Powers are kept within range by powers of two, one for each matrix,
 * which the host accounts for in float64, as it does for what rounding has done to each of them (gramIteration.ts).
 */
import { floorLog2 } from '../cpu/powers.ts';
import { gramErrors, squaringsFor } from '../gramIteration.ts';
import { type Block, type Context, kernel } from './context.ts';
import { hermitianProduct } from './products.ts';
import { type BlockMatrices, extentOf, widthOf } from './textures.ts';

const offDiagonal = kernel('offDiagonal', 'block', 'count');
const peaks = kernel('peaks', 'block', 'count');
const squareSums = kernel('squareSums', 'block', 'count');
const scaleByPower = kernel('scaleByPower', 'block', 'numbers', 'count');

/** How far a result may lie above the norm, as a factor less 1, where the caller does not say; rounding comes on top. */
const finest = 2 ** -17;
/** Squarings between two normalisations: from entries below 2 they lead to less than 256 n⁷. */
const squaringsAtOnce = 3;

/** max_b ‖S[b]‖₂ from above, rounding included. NaN if S holds one. */
export function spectralRadius(context: Context, s: BlockMatrices, tolerance = finest): number {
  return gramIteration(context, s, tolerance);
}

/** max_b ‖½(S[b] − diag S[b])‖₂ likewise. */
export function offDiagonalRadius(context: Context, s: BlockMatrices, tolerance = finest): number {
  const data = context.run(offDiagonal, extentOf(s), s.data, widthOf(s));
  const radius = gramIteration(context, { ...s, data }, tolerance);
  data.texture.delete();
  return radius / 2;
}

function gramIteration(context: Context, s: BlockMatrices, tolerance: number): number {
  const n = s.rows;
  const total = squaringsFor(n, tolerance);
  const first = normalised(context, s);
  if (!first.finite) return first.largest;
  const stages: { exponents: Float64Array; squares: Float64Array[] }[] = [];
  let { exponents } = first;
  let power: BlockMatrices = { ...s, data: first.block };
  for (let done = 0; done < total; done += squaringsAtOnce) {
    const squarings = Math.min(squaringsAtOnce, total - done);
    const squares: Float64Array[] = [];
    for (let k = 0; k < squarings; k++) {
      squares.push(squaredNorms(context, power));
      const square = { ...s, data: hermitianProduct(context, power, power) };
      power.data.texture.delete();
      power = square;
    }
    stages.push({ exponents, squares });
    const next = normalised(context, power);
    power.data.texture.delete();
    if (!next.finite) throw new Error('webgl: powers of normalised matrices must be finite');
    exponents = next.exponents;
    power = { ...s, data: next.block };
  }
  const last = squaredNorms(context, power);
  power.data.texture.delete();
  const { epsilon, margin, slack } = gramErrors(n, 1, s.complex, n * widthOf(s));
  let most = 0;
  for (let b = 0; b < s.batch; b++) {
    let norm = margin * Math.sqrt(last[b]!) * 2 ** exponents[b]!;
    for (const stage of stages.toReversed()) {
      for (const squares of stage.squares.toReversed()) norm = Math.sqrt(norm + epsilon * squares[b]!);
      norm *= 2 ** stage.exponents[b]!;
    }
    most = Math.max(most, norm);
  }
  return most * slack;
}

/** Squares of the Frobenius norms of matrices. */
function squaredNorms(context: Context, s: BlockMatrices): Float64Array {
  const sums = rows(context, squareSums, s);
  const { batch, rows: n } = s;
  return Float64Array.from({ length: batch }, (_, b) =>
    sums.subarray(b * n, (b + 1) * n).reduce((sum, x) => sum + x, 0),
  );
}

type Normalised =
  | { readonly finite: true; readonly block: Block; readonly exponents: Float64Array }
  /** The largest number, which is infinite or none. */
  | { readonly finite: false; readonly largest: number };

/** A copy of the matrices in which the largest number of each lies in [1, 2), or is zero; times 2^exponent it is what it was. */
function normalised(context: Context, s: BlockMatrices): Normalised {
  const n = s.rows;
  const found = rows(context, peaks, s);
  const largest = found.reduce((x, y) => Math.max(x, y), 0);
  if (!(largest < Number.POSITIVE_INFINITY)) return { finite: false, largest };
  const exponents = Float64Array.from({ length: s.batch }, (_, b) =>
    floorLog2(found.subarray(b * n, (b + 1) * n).reduce((x, y) => Math.max(x, y))),
  );
  const block = context.run(
    scaleByPower,
    extentOf(s),
    s.data,
    Float32Array.from(exponents, (e) => -e),
    1,
  );
  return { finite: true, block, exponents };
}

/** What a kernel makes of every row of every matrix. */
function rows(context: Context, kernel: typeof peaks, s: BlockMatrices): Float64Array {
  return context.take(context.run(kernel, { x: s.rows, y: s.batch, z: 1 }, s.data, s.data.x));
}
