/** From the gradient of a step's symbols to those of the weights that they are made of: sums over frequencies, back to the taps. */
import { type LinearStep, type PlacedTerm, type ReadStep, totalRows } from '../../program/program.ts';
import { type Frequencies, phases } from '../../spectrum/frequencies.ts';
import { convolutionPlaces, readPlaces, type TapBlock } from '../../spectrum/taps.ts';
import { blockOf } from './affine.ts';

/** Takes the gradient of an array of weights, which may come in parts. */
export type WeightVisitor = (weights: ArrayLike<number>, gradient: Float64Array, term: PlacedTerm) => void;

/**
 * @param symbols ∂f/∂W of all that the step maps: complex [frequencies, rows, columns], df = Re Σ conj(∂f/∂W) dW; real for vectors
 * @param frequencies those before the step
 */
export function weightGradients(
  step: LinearStep | ReadStep,
  symbols: Float64Array,
  frequencies: Frequencies,
  visit: WeightVisitor,
): void {
  const columns = totalRows(step.before);
  const taps = new TapGradients(symbols, totalRows(step.after) * columns, frequencies);
  for (const placed of step.terms) {
    const block = blockOf(placed, { row: 0, column: 0, columns });
    if (placed.source.lift.length === 0) ofVectors(placed, block, symbols, visit);
    else ofSignals(placed, block, taps, visit);
  }
}

/** Gradients of the matrices of taps, each made when first asked for. */
class TapGradients {
  readonly #symbols: Float64Array;
  readonly #size: number;
  readonly #frequencies: Frequencies;
  readonly #made = new Map<string, Float64Array>();

  /** @param size entries of one symbol */
  constructor(symbols: Float64Array, size: number, frequencies: Frequencies) {
    this.#symbols = symbols;
    this.#size = size;
    this.#frequencies = frequencies;
  }

  /** ∂f/∂K_t = Re Σ_ω conj(∂f/∂W(ω)) e^{2πi⟨ω,t⟩/N} of the tap at an offset. */
  at(offset: readonly number[]): Float64Array {
    const key = offset.join();
    let sum = this.#made.get(key);
    if (!sum) {
      sum = new Float64Array(this.#size);
      const turns = phases(this.#frequencies, [{ offset, extent: offset.map(() => 1) }]);
      for (let k = 0, at = 0; k < this.#frequencies.count; k++) {
        const [cosine, sine] = [turns[2 * k]!, turns[2 * k + 1]!];
        for (let n = 0; n < this.#size; n++, at += 2) {
          sum[n]! += cosine * this.#symbols[at]! + sine * this.#symbols[at + 1]!;
        }
      }
      this.#made.set(key, sum);
    }
    return sum;
  }
}

function ofVectors(placed: PlacedTerm, block: TapBlock, matrix: Float64Array, visit: WeightVisitor): void {
  const { term, source } = placed;
  const { map } = term;
  const { columns } = block;
  switch (map.kind) {
    case 'identity': {
      const { scale } = map;
      const gradient = new Float64Array(scale.length);
      const perChannel = source.rows / source.variable.channels;
      for (let k = 0; k < source.rows; k++) {
        const c = scale.length === 1 ? 0 : Math.floor(k / perChannel);
        gradient[c]! += matrix[(block.row + k) * columns + block.column + k]!;
      }
      visit(scale, gradient, placed);
      return;
    }
    case 'read': {
      const gradient = new Float64Array(map.weight.length);
      for (let o = 0; o < term.channels; o++) {
        const from = (block.row + o) * columns + block.column;
        gradient.set(matrix.subarray(from, from + source.rows), o * source.rows);
      }
      visit(map.weight, gradient, placed);
      return;
    }
    case 'pick':
    case 'total':
      return;
    case 'convolution':
    case 'transposed':
      throw new Error('weight gradients: a convolution of vectors');
    default:
      map satisfies never;
  }
}

function ofSignals(placed: PlacedTerm, block: TapBlock, taps: TapGradients, visit: WeightVisitor): void {
  const { term, source, target } = placed;
  const { map } = term;
  const { columns } = block;
  switch (map.kind) {
    case 'identity': {
      const { scale } = map;
      const gradient = new Float64Array(scale.length);
      const ones = source.lift.map(() => 1);
      const geometry = { stride: ones, dilation: ones, before: ones.map(() => 0), transposed: false };
      convolutionPlaces(block, ones, geometry, source.lift, target.lift, (offset, _t, at) => {
        const own = taps.at(offset);
        for (let c = 0; c < term.channels; c++) {
          gradient[scale.length === 1 ? 0 : c]! += own[at + c * columns + c]!;
        }
      });
      visit(scale, gradient, placed);
      return;
    }
    case 'convolution':
    case 'transposed': {
      const { weights, sides } = map.kernel;
      // Means, paddings, upsamplings.
      if (!weights) return;
      const gradient = new Float64Array(weights.of.length);
      const geometry = { ...map, transposed: map.kind === 'transposed' };
      const inputs = source.variable.channels;
      convolutionPlaces(block, sides, geometry, source.lift, target.lift, (offset, t, at) => {
        const own = taps.at(offset);
        for (let o = 0; o < term.channels; o++) {
          for (let i = 0; i < inputs; i++) {
            const n = weights.at(o, i, t);
            if (n >= 0) gradient[n]! += own[at + o * columns + i]!;
          }
        }
      });
      visit(weights.of, gradient, placed);
      return;
    }
    case 'read': {
      const gradient = new Float64Array(map.weight.length);
      const { window, channels } = source.variable;
      const size = window.reduce((p, n) => p * n, 1);
      readPlaces(block, window, source.lift, (offset, u, at) => {
        const own = taps.at(offset);
        for (let o = 0; o < term.channels; o++) {
          for (let c = 0; c < channels; c++) {
            gradient[(o * channels + c) * size + u] = own[at + o * columns + c]!;
          }
        }
      });
      visit(map.weight, gradient, placed);
      return;
    }
    case 'pick':
    case 'total':
      return;
    default:
      map satisfies never;
  }
}
