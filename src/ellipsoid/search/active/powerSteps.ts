/** λ_max of every matrix of a batch, by a few power steps: from below, which only a heuristic may use. */
import type { Engine, Matrices } from '../../../engine/engine.ts';

/** Two successive power steps [B | n × 1] of a batch; the ratio of their norms is an estimate of λ_max. */
export interface PowerSteps {
  readonly before: Matrices;
  readonly after: Matrices;
}

/** @param step what multiplies columns [1 or B | n × 1] with the matrices [B | n × n] */
export function powerSteps(
  engine: Engine,
  matrices: { readonly rows: number; readonly complex: boolean },
  step: (columns: Matrices) => Matrices,
  count: number,
): PowerSteps {
  const { rows, complex } = matrices;
  const width = complex ? 2 : 1;
  let before = engine.matrices(startColumn(rows * width), 1, rows, 1, complex);
  let after = step(before);
  for (let k = 1; k < count; k++) {
    before = after;
    after = step(before);
  }
  return { before, after };
}

/** Estimates of λ_max, one for every matrix of the batch; 0 for zero matrices. */
export function ratios(before: Float64Array, after: Float64Array, batch: number): Float64Array {
  const first = norms(before, batch);
  return norms(after, batch).map((norm, b) => (norm === 0 ? 0 : norm / first[b]!));
}

function norms(columns: Float64Array, batch: number): Float64Array {
  const length = columns.length / batch;
  return Float64Array.from({ length: batch }, (_, b) => {
    let sum = 0;
    for (let k = b * length; k < (b + 1) * length; k++) sum += columns[k]! ** 2;
    return Math.sqrt(sum);
  });
}

/** Entries of modulus 1 and 2 that follow no pattern which a network could have as well: fractional parts of multiples of √2 and √3. */
function startColumn(length: number): Float64Array {
  return Float64Array.from({ length }, (_, k) => {
    const sign = (k * Math.SQRT2) % 1 < 0.5 ? -1 : 1;
    return sign * (1 + ((k * Math.sqrt(3)) % 1));
  });
}
