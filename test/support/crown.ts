/**
 * CROWN (Zhang, Weng, Chen, Hsieh & Daniel 2018) for perceptrons with ReLUs on ℓ∞ boxes: lines through the ReLUs, pulled back to the input, for
 * the ranges of every layer and for differences of outputs. In float64, its rounding not accounted for: a referee, not a proof.
 */
import type { Network } from '../../src/network/network.ts';

interface Layer {
  readonly weight: Float64Array;
  readonly bias: Float64Array;
  readonly rows: number;
  readonly columns: number;
}

/** The layers of a perceptron whose affine maps have ReLUs between them. */
export function layersOf(network: Network): Layer[] {
  return network.nodes.flatMap(({ name, operator }): Layer[] => {
    if (operator.kind === 'nonlinearity' && operator.function.name === 'relu') return [];
    if (operator.kind === 'reindex') return [];
    if (operator.kind !== 'affine') throw new Error(`crown: ${name} is neither affine nor a ReLU`);
    const { outputs: rows, inputs: columns, weight, bias } = operator;
    return [{ weight: Float64Array.from(weight), bias: bias ?? new Float64Array(rows), rows, columns }];
  });
}

interface Range {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** The largest of row · y for y in front of ReLUs of layer `depth` (its affine map applied), for every row of A [… × rows of that layer]. */
function largest(
  layers: readonly Layer[],
  ranges: readonly Range[],
  depth: number,
  a: Float64Array,
  count: number,
  box: Range,
): Float64Array {
  let rows = a;
  const constant = new Float64Array(count);
  for (let k = depth; ; k--) {
    const { weight, bias, rows: n, columns } = layers[k]!;
    const next = new Float64Array(count * columns);
    for (let r = 0; r < count; r++) {
      for (let i = 0; i < n; i++) {
        const t = rows[r * n + i]!;
        if (t === 0) continue;
        constant[r]! += t * bias[i]!;
        for (let j = 0; j < columns; j++) next[r * columns + j]! += t * weight[i * columns + j]!;
      }
    }
    rows = next;
    if (k === 0) break;
    const { low, high } = ranges[k - 1]!;
    for (let r = 0; r < count; r++) {
      for (let j = 0; j < columns; j++) {
        const t = rows[r * columns + j]!;
        const [l, u] = [low[j]!, high[j]!];
        if (u <= 0) rows[r * columns + j] = 0;
        else if (l < 0) {
          const slope = u / (u - l);
          rows[r * columns + j] = t > 0 ? t * slope : u > -l ? t : 0;
          if (t > 0) constant[r]! -= t * slope * l;
        }
      }
    }
  }
  const n = box.low.length;
  return constant.map((c, r) => {
    let sum = c;
    for (let j = 0; j < n; j++) {
      const t = rows[r * n + j]!;
      sum += t > 0 ? t * box.high[j]! : t * box.low[j]!;
    }
    return sum;
  });
}

/** Whether CROWN shows that the label stays the largest output where no input moves by more than the radius. */
export function crownCertifies(
  layers: readonly Layer[],
  x: Float64Array,
  label: number,
  radius: number,
): boolean {
  const box = { low: x.map((v) => v - radius), high: x.map((v) => v + radius) };
  const ranges: Range[] = [];
  for (let k = 0; k < layers.length - 1; k++) {
    const n = layers[k]!.rows;
    const unit = (sign: number) => {
      const rows = new Float64Array(n * n);
      for (let i = 0; i < n; i++) rows[i * (n + 1)] = sign;
      return rows;
    };
    const high = largest(layers, ranges, k, unit(1), n, box);
    const low = largest(layers, ranges, k, unit(-1), n, box).map((v) => -v);
    ranges.push({ low, high });
  }
  const last = layers.length - 1;
  const outputs = layers[last]!.rows;
  const rows = new Float64Array(outputs * outputs);
  for (let j = 0; j < outputs; j++) {
    rows[j * outputs + j]! += 1;
    rows[j * outputs + label]! -= 1;
  }
  return largest(layers, ranges, last, rows, outputs, box).every((value, j) => j === label || value < 0);
}

/** The largest radius that halving finds. */
export function crownRadius(
  layers: readonly Layer[],
  x: Float64Array,
  label: number,
  most: number,
  halvings = 12,
): number {
  let [low, high] = [0, most];
  for (let k = 0; k < halvings; k++) {
    const middle = (low + high) / 2;
    if (crownCertifies(layers, x, label, middle)) low = middle;
    else high = middle;
  }
  return low;
}
