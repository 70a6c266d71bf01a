/** The end of a segment on a torus in a pass with held multipliers: a read, a pooling with nothing beside it, or the output. */
import type { Engine, Matrices } from '../../../engine/engine.ts';
import { readNamed } from '../../../engine/readBack.ts';
import { scoped } from '../../../engine/scope.ts';
import type { Frequencies } from '../../../spectrum/frequencies.ts';
import { read, type State } from '../../rules/affine.ts';
import { powerSteps, ratios } from './powerSteps.ts';
import { overAliases } from './seen.ts';

const POWER_STEPS = 8;
/** Rows of a read that are looked at frequency by frequency; of more, as many sums of all with signs that follow no pattern. */
const MOST_ROWS = 16;

/** The covariance behind a read of the frequencies of a piece, and the part of each of the coarsest in its trace. */
export interface SumEnd {
  readonly kind: 'sum';
  readonly sum: Float64Array;
  readonly traces: Float64Array;
}

/** λ_max of a matrix at every frequency of a piece, from below, and the largest of all, from above. */
export interface LargestEnd {
  readonly kind: 'largest';
  readonly largest: number;
  readonly each: Float64Array;
}

/** @param frequencies before the read, of which some have `left` */
export async function sumEnd(
  engine: Engine,
  symbol: Matrices,
  state: State,
  frequencies: Frequencies,
  left: Int32Array,
  signal: AbortSignal | undefined,
): Promise<SumEnd> {
  const copies = frequencies.count / left.length;
  const weights = frequencies.weights.map((w, i) => (left[Math.floor(i / copies)]! < 0 ? w : 0));
  const record = scoped(engine, (e) => {
    const looked = symbol.rows <= MOST_ROWS ? symbol : e.product(signs(e, symbol.rows), symbol);
    return {
      sum: read(e, symbol, state, { ...frequencies, weights }),
      parts: state ? e.congruence(looked, state) : e.congruence(looked),
    };
  });
  await engine.settle(signal);
  const { sum, parts } = await readNamed(engine, record);
  const rows = record.parts.rows;
  const traces = new Float64Array(left.length);
  for (let i = 0; i < frequencies.count; i++) {
    let trace = 0;
    for (let r = 0; r < rows; r++) trace += parts[2 * (i * rows * rows + r * rows + r)]!;
    traces[Math.floor(i / copies)]! += weights[i]! * trace;
  }
  engine.release(record.sum, record.parts);
  return { kind: 'sum', sum, traces };
}

/** @param matrices one for every frequency, or for all; zero where a frequency has left
 *  @param count of the coarsest frequencies */
export async function largestEnd(
  engine: Engine,
  matrices: Matrices,
  count: number,
  signal: AbortSignal | undefined,
): Promise<LargestEnd> {
  const record = scoped(engine, (e) => {
    const largest = e.spectralRadius(matrices);
    const ones = e.vector(new Float64Array(matrices.batch).fill(1));
    const factors = e.multiply(e.reciprocal(largest), ones);
    const { before, after } = powerSteps(
      e,
      matrices,
      (x) => e.scaleBatch(e.product(matrices, x), factors),
      POWER_STEPS,
    );
    return { largest, before, after };
  });
  await engine.settle(signal);
  const { largest, before, after } = await readNamed(engine, record);
  engine.release(...Object.values(record));
  const each = ratios(before, after, matrices.batch).map((ratio) => ratio * largest[0]!);
  return { kind: 'largest', largest: largest[0]!, each: overAliases(each, count) };
}

/** As many rows as are looked at, so that the mean of what they see is the trace. */
function signs(engine: Engine, columns: number): Matrices {
  const size = MOST_ROWS * columns;
  const scale = 1 / Math.sqrt(MOST_ROWS);
  const entries = new Float64Array(2 * size);
  for (let k = 0; k < size; k++) entries[2 * k] = (k * Math.SQRT2) % 1 < 0.5 ? -scale : scale;
  return engine.matrices(entries, 1, MOST_ROWS, columns, true);
}
