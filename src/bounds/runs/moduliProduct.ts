/** The product of moduli: what |weights| and the largest slopes make of the largest changes of the input (docs/mathematics.md §9). */
import { evaluationNeeds } from '../../network/evaluation/needs.ts';
import { ValueEnclosure } from '../../network/evaluation/valueEnclosure.ts';
import type { Network } from '../../network/network.ts';
import { moduliOf } from '../../network/norms/moduli.ts';
import type { NormPair } from '../../network/norms/norm.ts';
import { product } from '../../network/size.ts';
import { largest, roundedUp, type Scaled, scaled, times } from '../../scaled.ts';

/** Pairs of operations for the columns of |J|, one evaluation each: a few seconds. */
const MOST_OPERATIONS = 1e9;
/** Entries that are measured at a time. */
const BREATH = 16;

/** A bound, and from ℓ1 what single entries of the input have; or why there is none. */
export type ModuliProduct =
  | { readonly value: Scaled; readonly columns?: readonly Scaled[] }
  | { readonly error: string };

/** The entries of the output change by so much, at most, where those of the input change by this. */
export type Changes = (x: Float64Array) => Float64Array | undefined;

/** Undefined where the network holds functions of which that is not known. */
export function changesOf(network: Network): Changes | undefined {
  const moduli = moduliOf(network);
  if (!moduli) return undefined;
  const enclosure = new ValueEnclosure(moduli);
  return (x) => {
    const ball = enclosure.at(x);
    // A sum of two numbers that are not negative.
    return ball?.middle.map((value, k) => (Math.max(0, value) + ball.radius[k]!) * (1 + 2 ** -52));
  };
}

/**
 * @param network as it was given
 * @param pair of outputs whose difference is bounded
 * @throws the signal's reason when it is aborted
 */
export async function moduliProduct(
  network: Network,
  norms: NormPair,
  pair: readonly [i: number, j: number] | undefined,
  signal: AbortSignal | undefined,
): Promise<ModuliProduct> {
  const columns = product(network.tensors[network.input]!.shape);
  if (norms.input === '2' && norms.output === '2' && !pair) {
    return { error: 'from ℓ2 to ℓ2 it is no more than a norm of one large matrix' };
  }
  const changes = changesOf(network);
  if (!changes) return { error: 'the network holds functions whose slopes entry by entry are not known' };
  const measured = (x: Float64Array) => {
    const found = changes(x);
    return found && pair ? Float64Array.of(found[pair[0]]! + found[pair[1]]!) : found;
  };
  if (norms.input === 'inf') {
    const most = measured(new Float64Array(columns).fill(1));
    return most ? known(normAbove(most, norms.output)) : OUT_OF_RANGE;
  }
  if (columns * evaluationNeeds(network).work > MOST_OPERATIONS) {
    return { error: `one evaluation for each of ${columns} entries of the input takes too long` };
  }
  return byColumns(columns, measured, norms, signal);
}

const OUT_OF_RANGE = { error: 'numbers leave the range of float64' };

/** The bound, where it is a number. */
function known(value: Scaled, columns?: readonly Scaled[]): ModuliProduct {
  if (!Number.isFinite(value.mantissa)) return OUT_OF_RANGE;
  return { value: roundedUp(value), ...(columns && { columns }) };
}

/** From ℓ1: the largest column of |J|. From ℓ2: to ℓ∞ the longest row, to ℓ1 the length of the sums of all columns. */
async function byColumns(
  columns: number,
  changes: Changes,
  { input, output }: NormPair,
  signal: AbortSignal | undefined,
): Promise<ModuliProduct> {
  const own: Scaled[] = [];
  let lengths: Lengths | undefined;
  let rows = 0;
  for (let j = 0; j < columns; j++) {
    if (j % BREATH === 0) {
      await new Promise((resolve) => setTimeout(resolve));
      signal?.throwIfAborted();
    }
    const unit = new Float64Array(columns);
    unit[j] = 1;
    const column = changes(unit);
    if (!column) return OUT_OF_RANGE;
    own.push(normAbove(column, output));
    rows = column.length;
    const parts = output === '1' ? [column.reduce((a, b) => a + b, 0)] : column;
    lengths ??= new Lengths(parts.length);
    lengths.add(parts);
  }
  if (input === '1') return known(largest(own), own);
  return known(roundedUp(lengths!.largest(), 16 * columns + rows + 16));
}

/** Lengths of rows that come column by column: √Σ x² as top · √sum, of which nothing leaves the range before the rows do. */
class Lengths {
  readonly #top: Float64Array;
  readonly #sum: Float64Array;

  constructor(rows: number) {
    this.#top = new Float64Array(rows);
    this.#sum = new Float64Array(rows);
  }

  add(column: ArrayLike<number>): void {
    for (let i = 0; i < column.length; i++) {
      const [value, top] = [column[i]!, this.#top[i]!];
      if (value > top) {
        this.#sum[i] = 1 + this.#sum[i]! * (top / value) ** 2;
        this.#top[i] = value;
      } else if (value !== 0) this.#sum[i]! += (value / top) ** 2;
    }
  }

  largest(): Scaled {
    return largest(Array.from(this.#top, (top, i) => times(scaled(top), scaled(Math.sqrt(this.#sum[i]!)))));
  }
}

/** Of a vector whose entries are not negative: at least its norm. */
function normAbove(x: Float64Array, norm: NormPair['output']): Scaled {
  // NaN stays NaN.
  const top = x.reduce((a, b) => Math.max(a, b), 0);
  if (norm === 'inf' || top === 0) return scaled(top);
  if (norm === '1') return roundedUp(scaled(x.reduce((a, b) => a + b, 0)), x.length + 4);
  // Squares of what is far below the largest may vanish, but not beside 1.
  const squares = x.reduce((sum, value) => sum + (value / top) ** 2, 0);
  return roundedUp(times(scaled(top), scaled(Math.sqrt(squares))), x.length + 8);
}
