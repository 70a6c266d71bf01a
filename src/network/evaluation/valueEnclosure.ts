/**
 * The output of a network, enclosed: what exact arithmetic would give, for the network with exactly these weights, lies in a ball around what
 * float64 gives. The arithmetic is that of `enclosure.ts`, without its derivatives, made ready for many points.
 */
import { sharingParameters } from '../elementwise/elementwise.ts';
import { placedGroups } from '../groups/grouped.ts';
import { isLinear } from '../linearOperator.ts';
import type { Network, TensorId } from '../network.ts';
import type { Operator } from '../operator.ts';
import { unknownOperator } from '../shape.ts';
import { product } from '../size.ts';
import { elementwiseEnclosure } from './elementwiseEnclosure.ts';
import {
  allFinite,
  type Ball,
  empty,
  encloseGroups,
  encloseLogarithms,
  encloseProbabilities,
  encloseSum,
  exact,
  linearEnclosure,
  stacked,
} from './enclosure.ts';
import { listedWindows } from './gather.ts';
import { atOnce, type Steps } from './steps.ts';

type Shape = readonly number[];
type Enclosed = (inputs: readonly Ball[]) => Ball | Steps<Ball>;

export class ValueEnclosure {
  readonly #network: Network;
  readonly #steps: readonly Enclosed[];

  constructor(network: Network) {
    const shape = (id: TensorId) => network.tensors[id]!.shape;
    this.#network = network;
    this.#steps = network.nodes.map(({ operator, inputs, output }) =>
      step(operator, inputs.map(shape), shape(output)),
    );
  }

  /**
   * The output at `x`, flattened; undefined where numbers leave the range of float64.
   * @throws RangeError if `x` has not the input's number of entries
   */
  at(x: Float64Array): Ball | undefined {
    return atOnce(this.enclosing(x));
  }

  /** As `at`, in steps: products in whatever order of sums, in float64. */
  *enclosing(x: Float64Array): Steps<Ball | undefined> {
    const { nodes, tensors, input, output: last } = this.#network;
    const entries = product(tensors[input]!.shape);
    if (x.length !== entries) {
      throw new RangeError(`enclosure: the input has ${entries} entries, got ${x.length}`);
    }
    const balls: Ball[] = [];
    balls[input] = exact(x);
    for (const [k, { inputs, output }] of nodes.entries()) {
      const made = this.#steps[k]!(inputs.map((id) => balls[id]!));
      const ball = 'middle' in made ? made : yield* made;
      // Comparisons with what is no number would decide wrongly.
      if (!allFinite(ball)) return undefined;
      balls[output] = ball;
    }
    return balls[last];
  }
}

function step(operator: Operator, shapes: readonly Shape[], output: Shape): Enclosed {
  const shape = shapes[0]!;
  if (isLinear(operator)) {
    const enclosed = linearEnclosure(operator, shape, output);
    return ([ball]) => enclosed(ball!, true);
  }
  switch (operator.kind) {
    case 'nonlinearity': {
      const near = elementwiseEnclosure(operator.function);
      const image = sharingParameters(operator.function, shape);
      return ([ball]) => {
        const { middle, radius } = ball!;
        const values = empty(middle.length);
        for (let n = 0; n < middle.length; n++) {
          const local = near(middle[n]!, radius[n]!, Math.floor(n / image));
          values.middle[n] = local.value;
          values.radius[n] = local.valueRadius;
        }
        return values;
      };
    }
    case 'max-pool':
    case 'max-gather':
    case 'global-max-pool': {
      const windows = listedWindows(operator, shape, output);
      return ([ball]) => maxima(windows, ball!);
    }
    case 'add':
      return (balls) => encloseSum(operator, balls);
    case 'concat':
      return stacked;
    case 'grouped': {
      const placed = placedGroups(operator, shape);
      return ([ball]) => encloseGroups(operator, placed, ball!, product(output));
    }
    case 'softmax': {
      const enclosed = operator.logarithm ? encloseLogarithms : encloseProbabilities;
      return ([ball]) => enclosed(ball!, shape[0]!);
    }
    default:
      throw unknownOperator(operator);
  }
}

/** No entry moves by more than the largest radius, and so does their maximum not; finding it rounds nothing. */
function maxima(windows: readonly Int32Array[], { middle, radius }: Ball): Ball {
  const most = empty(windows.length);
  for (const [n, window] of windows.entries()) {
    let [top, reach] = [Number.NEGATIVE_INFINITY, 0];
    for (const k of window) {
      top = Math.max(top, middle[k]!);
      reach = Math.max(reach, radius[k]!);
    }
    most.middle[n] = top;
    most.radius[n] = reach;
  }
  return most;
}
