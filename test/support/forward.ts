/**
 * A second, naive evaluation of networks and of their derivatives, and lower bounds of Lipschitz constants from it:
 * every certified bound must lie above what is found here.
 */
import type { Network, Node } from '../../src/network/network.ts';
import type { MaxPool, Softmax } from '../../src/network/operator.ts';
import { activation } from './activation.ts';
import { offsetOf, positions, volume } from './grid.ts';
import { type LinearNode, linearNode } from './linearNode.ts';
import { Random } from './random.ts';
import { accumulate, accumulateTransposed, type SparseMatrix } from './sparse.ts';

/** A node at one point: its value there and the matrices of its derivative, one per input. */
interface LocalNode {
  readonly value: Float64Array;
  readonly derivatives: readonly SparseMatrix[];
}

/** The derivative of a network at one point, as the chain of its nodes' derivatives. */
export interface Linearisation {
  readonly network: Network;
  /** Every tensor, by its id, and the output. */
  readonly values: readonly Float64Array[];
  readonly value: Float64Array;
  readonly derivatives: readonly (readonly SparseMatrix[])[];
}

/** f(x) */
export function forward(network: Network, x: Float64Array): Float64Array {
  return linearise(network, x).value;
}

/** f and f' at x; at a kink one of the limits of f' along the coordinates. */
export function linearise(network: Network, x: Float64Array): Linearisation {
  const values: Float64Array[] = [];
  values[network.input] = x;
  const linear = linearNodes(network);
  const derivatives = network.nodes.map((node, k) => {
    const inputs = node.inputs.map((id) => values[id]!);
    const local = linear[k] ? affineAt(linear[k], inputs) : nonlinearAt(network, node, inputs[0]!);
    values[node.output] = local.value;
    return local.derivatives;
  });
  return { network, values, value: values[network.output]!, derivatives };
}

/** f'(x) v */
export function push({ network, derivatives }: Linearisation, v: Float64Array): Float64Array {
  const tangents: Float64Array[] = [];
  tangents[network.input] = v;
  network.nodes.forEach((node, k) => {
    const tangent = new Float64Array(size(network, node.output));
    node.inputs.forEach((id, i) => {
      accumulate(derivatives[k]![i]!, tangents[id]!, tangent);
    });
    tangents[node.output] = tangent;
  });
  return tangents[network.output]!;
}

/** f'(x)ᵀ w */
export function pull({ network, derivatives }: Linearisation, w: Float64Array): Float64Array {
  const adjoints = network.tensors.map((tensor) => new Float64Array(volume(tensor.shape)));
  adjoints[network.output]!.set(w);
  for (let k = network.nodes.length - 1; k >= 0; k--) {
    const node = network.nodes[k]!;
    node.inputs.forEach((id, i) => {
      accumulateTransposed(derivatives[k]![i]!, adjoints[node.output]!, adjoints[id]!);
    });
  }
  return adjoints[network.input]!;
}

/** The Jacobian at x, row-major [outputs, inputs]. */
export function jacobian(network: Network, x: Float64Array): Float64Array {
  const point = linearise(network, x);
  const columns = x.length;
  const rows = point.value.length;
  const matrix = new Float64Array(rows * columns);
  for (let j = 0; j < columns; j++) {
    const unit = new Float64Array(columns);
    unit[j] = 1;
    push(point, unit).forEach((value, i) => {
      matrix[i * columns + j] = value;
    });
  }
  return matrix;
}

/** The largest singular value of the Jacobian at x, from below (power iteration). */
export function jacobianNorm(network: Network, x: Float64Array): number {
  return topSingular(linearise(network, x), new Random(1).normals(x.length), 200).norm;
}

/**
 * The largest local slope found: Jacobian norms at random points of scales 0.01 to 100, a climb from the best of them
 * (random steps, and the points ±t v along the singular vector v), and quotients ‖f(x) − f(y)‖ / ‖x − y‖ on the way.
 */
export function sampledLowerBound(network: Network, samples: number, seed: number): number {
  const random = new Random(seed);
  const n = size(network, network.input);
  let best: { norm: number; x: Float64Array; direction: Float64Array } = {
    norm: -1,
    x: new Float64Array(n),
    direction: random.normals(n),
  };
  let steepest = 0;
  const visit = (x: Float64Array) => {
    const { norm, direction } = topSingular(linearise(network, x), best.direction, 6);
    steepest = Math.max(steepest, norm);
    if (norm > best.norm) best = { norm, x, direction };
  };
  const scales = [1, 10, 0.1, 100, 0.01];
  for (let k = 0; k < samples; k++) visit(random.normals(n, scales[k % scales.length]!));
  for (let k = 0; k < samples; k++) {
    const { x, direction } = best;
    const step = scales[k % scales.length]!;
    const signed = k % 4 < 2 ? step : -step;
    visit(shifted(x, signed, k % 2 === 0 ? random.normals(n) : direction));
    steepest = Math.max(steepest, quotient(network, x, shifted(x, step, direction)));
  }
  // Enough further steps that where f is linear the bound is met closely, not only from afar.
  return Math.max(steepest, topSingular(linearise(network, best.x), best.direction, 30).norm);
}

/** 0 where a tensor moves by so little of its size that the quotient would measure rounding, not the slope. */
function quotient(network: Network, x: Float64Array, y: Float64Array): number {
  const atX = linearise(network, x);
  const atY = linearise(network, y);
  const measurable = network.nodes.every(({ output: id }) => {
    const moved = norm(difference(atX.values[id]!, atY.values[id]!));
    return moved >= 1e-4 * norm(atX.values[id]!);
  });
  return measurable ? norm(difference(atX.value, atY.value)) / norm(difference(x, y)) : 0;
}

function topSingular(
  point: Linearisation,
  start: Float64Array,
  steps: number,
): { norm: number; direction: Float64Array } {
  let direction = normalised(start);
  let image = push(point, direction);
  for (let k = 0; k < steps; k++) {
    const next = pull(point, image);
    if (!(norm(next) > 0)) break;
    direction = normalised(next);
    image = push(point, direction);
  }
  return { norm: norm(image), direction };
}

const cache = new WeakMap<Network, (LinearNode | undefined)[]>();

function linearNodes(network: Network): (LinearNode | undefined)[] {
  const known = cache.get(network);
  if (known) return known;
  const made = network.nodes.map((node) => linearNode(network, node));
  cache.set(network, made);
  return made;
}

function affineAt({ matrices, offset }: LinearNode, inputs: readonly Float64Array[]): LocalNode {
  const value = Float64Array.from(offset);
  matrices.forEach((matrix, i) => {
    accumulate(matrix, inputs[i]!, value);
  });
  return { value, derivatives: matrices };
}

function nonlinearAt(network: Network, node: Node, x: Float64Array): LocalNode {
  const shape = network.tensors[node.inputs[0]!]!.shape;
  const { operator } = node;
  const samples = volume(shape.slice(1));
  switch (operator.kind) {
    case 'nonlinearity': {
      // As many slopes as entries: one for each; else one for each channel, or for all.
      const own = operator.function.name === 'prelu' && operator.function.slopes.length === x.length;
      const phi = Array.from({ length: own ? x.length : shape[0]! }, (_, c) =>
        activation(operator.function, c),
      );
      const of = (i: number) => phi[own ? i : Math.floor(i / samples)]!;
      return {
        value: x.map((value, i) => of(i).value(value)),
        derivatives: [selection(x.length, Array.from(x.keys()), (i) => of(i).slope(x[i]!))],
      };
    }
    case 'max-pool':
      return maximaAt(x, maxPoolWindows(operator, shape, network.tensors[node.output]!.shape));
    case 'global-max-pool':
      return maximaAt(
        x,
        Array.from({ length: shape[0]! }, (_, c) =>
          Array.from({ length: samples }, (_, u) => c * samples + u),
        ),
      );
    case 'max-gather':
      return maximaAt(x, operator.windows);
    case 'softmax':
      return softmaxAt(operator, x, shape);
    default:
      throw new Error(`${node.name}: is not a nonlinear operator, got ${operator.kind}`);
  }
}

/** y_i = slope(i) · x_{chosen[i]} */
function selection(columns: number, chosen: readonly number[], slope: (i: number) => number): SparseMatrix {
  return {
    rows: chosen.length,
    columns,
    row: chosen.map((_, i) => i),
    column: chosen,
    value: chosen.map((_, i) => slope(i)),
  };
}

function maximaAt(x: Float64Array, windows: readonly ArrayLike<number>[]): LocalNode {
  const chosen = windows.map((window) =>
    Array.from(window).reduce((best, index) => (x[index]! > x[best]! ? index : best)),
  );
  return {
    value: Float64Array.from(chosen, (index) => x[index]!),
    derivatives: [selection(x.length, chosen, () => 1)],
  };
}

/** For every output entry of a max pooling the input entries it looks at. */
export function maxPoolWindows(op: MaxPool, input: readonly number[], output: readonly number[]): number[][] {
  return positions(output).map(([channel, ...at]) =>
    positions(op.kernel)
      .map((tap) =>
        tap.map((k, axis) => op.stride[axis]! * at[axis]! + op.dilation[axis]! * k - op.before[axis]!),
      )
      .filter((from) => from.every((index, axis) => index >= 0 && index < input[axis + 1]!))
      .map((from) => offsetOf([channel!, ...from], input)),
  );
}

function softmaxAt(op: Softmax, x: Float64Array, shape: readonly number[]): LocalNode {
  const classes = shape[0]!;
  const samples = volume(shape.slice(1));
  const value = new Float64Array(x.length);
  const row: number[] = [];
  const column: number[] = [];
  const entries: number[] = [];
  for (let u = 0; u < samples; u++) {
    const logits = Array.from({ length: classes }, (_, c) => x[c * samples + u]!);
    const top = Math.max(...logits);
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0);
    const p = logits.map((logit) => Math.exp(logit - top) / total);
    for (let i = 0; i < classes; i++) {
      value[i * samples + u] = op.logarithm ? logits[i]! - top - Math.log(total) : p[i]!;
      for (let j = 0; j < classes; j++) {
        const same = i === j ? 1 : 0;
        row.push(i * samples + u);
        column.push(j * samples + u);
        entries.push(op.logarithm ? same - p[j]! : p[i]! * (same - p[j]!));
      }
    }
  }
  return { value, derivatives: [{ rows: x.length, columns: x.length, row, column, value: entries }] };
}

function size(network: Network, id: number): number {
  return volume(network.tensors[id]!.shape);
}

function norm(x: Float64Array): number {
  let sum = 0;
  for (const value of x) sum += value * value;
  return Math.sqrt(sum);
}

function normalised(x: Float64Array): Float64Array {
  const length = norm(x);
  return x.map((value) => value / length);
}

function difference(x: Float64Array, y: Float64Array): Float64Array {
  return x.map((value, i) => value - y[i]!);
}

function shifted(x: Float64Array, step: number, direction: Float64Array): Float64Array {
  return x.map((value, i) => value + step * direction[i]!);
}
