/**
 * Networks whose functions have narrower slopes than they have everywhere, as in a region: entries whose slope is certain become linear, all
 * others get a function of just those slopes. A bound that knows functions by their slopes alone holds for both networks.
 */
import type { Network, Node, TensorId } from '../network.ts';
import type { Operator } from '../operator.ts';
import { product } from '../size.ts';
import { constants } from '../weights/origin.ts';
import { Rewriter } from './rewriter.ts';

/** Slopes of every entry of a nonlinearity, in [lower, upper]; certain where both are the same number. */
export interface EntrySlopes {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/**
 * The network with other functions at nodes whose slopes are given. Its values are others; what it shares with the network are increments, as
 * far as slopes tell.
 */
export function narrowed(network: Network, slopes: ReadonlyMap<Node, EntrySlopes>): Network {
  const rewriter = new Rewriter(network);
  for (const node of network.nodes) {
    const own = slopes.get(node);
    if (own) rewriter.stand(node.output, narrow(rewriter, node, own));
    else rewriter.copy(node);
  }
  return rewriter.finish();
}

function narrow(rewriter: Rewriter, node: Node, { lower, upper }: EntrySlopes): TensorId {
  const [x] = rewriter.inputs(node);
  const shape = rewriter.shape(x!);
  const add = (suffix: string, operator: Operator, ...inputs: TensorId[]) =>
    rewriter.add(`${node.name}${suffix}`, operator, inputs, `${node.name}${suffix}`);
  const uncertain = Int32Array.from(lower.keys()).filter((i) => lower[i] !== upper[i]);
  const { certain, factors, bends } = partsOf(uncertain, lower, upper);
  const scaled = (suffix: string, scale: Float64Array, input: TensorId) =>
    scale.every((factor) => factor === 1)
      ? input
      : add(suffix, { kind: 'scale', scale: constants(scale) }, input);
  if (uncertain.length === 0) return scaled(' (certain)', certain, x!);
  const all = uncertain.length === lower.length;
  const picked: Operator = { kind: 'gather', sources: uncertain, shape: [uncertain.length] };
  // A name that no later pass knows beside others, as it knows ReLUs and moduli in sorted pairs: here slopes are all that is known.
  const bent: Operator = { kind: 'nonlinearity', function: { name: 'prelu', slopes: constants(bends) } };
  const image = scaled(' (slopes)', factors, add('', bent, all ? x! : add(' (uncertain)', picked, x!)));
  const places = new Int32Array(product(shape)).fill(-1);
  for (const [k, i] of uncertain.entries()) places[i] = k;
  const placed = all
    ? image
    : add(' (placed)', { kind: 'gather', sources: places, shape: [...shape] }, image);
  if (certain.every((slope) => slope === 0)) return placed;
  const both: Operator = { kind: 'add', coefficients: [1, 1] };
  return add(' (both)', both, scaled(' (certain)', certain, x!), placed);
}

/** Slopes whose middle is so many times their half width are nearly certain. */
const NEARLY_CERTAIN = 4;

/**
 * Slopes as those of a linear map, and for what is uncertain a factor times slopes between 1 and a number of modulus at most 1, which is rounded
 * down. Where a slope is nearly certain the linear map has its middle, so that nothing cancels where multipliers are large.
 */
function partsOf(uncertain: Int32Array, lower: Float64Array, upper: Float64Array) {
  const certain = lower.map((slope, i) => (slope === upper[i] ? slope : 0));
  const factors = new Float64Array(uncertain.length);
  const bends = new Float64Array(uncertain.length);
  for (const [k, i] of uncertain.entries()) {
    const [low, high] = [lower[i]!, upper[i]!];
    const middle = low / 2 + high / 2;
    const half = Math.max(high - middle, middle - low) * (1 + 2 ** -51) + Number.MIN_VALUE;
    if (NEARLY_CERTAIN * half < Math.abs(middle)) {
      [certain[i], factors[k], bends[k]] = [middle, half, -1];
      continue;
    }
    const [steep, other] = Math.abs(high) >= Math.abs(low) ? [high, low] : [low, high];
    [factors[k], bends[k]] = [steep, ratioBelow(other, steep)];
  }
  return { certain, factors, bends };
}

function ratioBelow(a: number, b: number): number {
  const ratio = a / b;
  // Exact, so that ReLUs stay ReLUs and moduli even.
  if (a === 0 || Math.abs(b) === 1) return ratio;
  return ratio - Math.abs(ratio) * 2 ** -52 - Number.MIN_VALUE;
}
