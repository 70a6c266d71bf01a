/** A network made ready to be evaluated and differentiated at many points. */
import type { Network, TensorId } from '../network.ts';
import { product } from '../size.ts';
import type { AffineMap } from './linearMap.ts';
import { addConstant, type Differential, type PreparedOperator, prepare } from './preparedOperator.ts';
import { atOnce, type Steps } from './steps.ts';

/** In whose time an array is made and looked up. */
const WORK_PER_ARRAY = 500;

export class PreparedNetwork {
  readonly network: Network;
  readonly #operators: readonly PreparedOperator[];

  constructor(network: Network) {
    const shape = (id: TensorId) => network.tensors[id]!.shape;
    this.network = network;
    this.#operators = network.nodes.map(({ operator, inputs, output }) =>
      prepare(operator, inputs.map(shape), shape(output)),
    );
  }

  /** Entries of the input. */
  get inputs(): number {
    return product(this.network.tensors[this.network.input]!.shape);
  }

  /**
   * Multiplications and additions of one evaluation, in pairs; about as many of one product with the Jacobian. Where operators on
   * next to nothing are many, what they take besides counts instead.
   */
  get work(): number {
    return this.workBy(({ work }) => work);
  }

  /** As `work`, where a product with a map takes the time of so many. */
  workBy(work: (map: AffineMap) => number): number {
    const all = this.#operators.reduce(
      (sum, operator) => sum + (operator.linear ? work(operator.linear.map) : operator.work),
      0,
    );
    const arrays = this.network.nodes.reduce((sum, { inputs }) => sum + inputs.length, 0);
    return Math.max(all, WORK_PER_ARRAY * arrays);
  }

  /**
   * The values of all tensors at `x`, by id, flattened row-major.
   * @throws RangeError if `x` has not the input's number of entries
   */
  evaluate(x: Float64Array): Float64Array[] {
    return atOnce(this.evaluating(x));
  }

  /** As `evaluate`, in steps. */
  *evaluating(x: Float64Array): Steps<Float64Array[]> {
    if (x.length !== this.inputs)
      throw new RangeError(`evaluate: the input has ${this.inputs} entries, got ${x.length}`);
    const { nodes, input } = this.network;
    const values: Float64Array[] = [];
    values[input] = x;
    for (const [k, { inputs, output }] of nodes.entries()) {
      const operator = this.#operators[k]!;
      const { linear } = operator;
      if (linear) {
        const y = yield { map: linear.map, x: values[inputs[0]!]!, adjoint: false };
        values[output] = addConstant(y, linear.constant, this.network.tensors[output]!.shape);
      } else {
        values[output] = operator.evaluate(inputs.map((id) => values[id]!));
      }
    }
    return values;
  }

  /** Value and derivative at `x`. @throws RangeError if `x` has not the input's number of entries */
  linearise(x: Float64Array): Linearisation {
    return atOnce(this.linearising(x));
  }

  /** As `linearise`, in steps. */
  *linearising(x: Float64Array): Steps<Linearisation> {
    const values = yield* this.evaluating(x);
    const differentials = this.network.nodes.map(({ inputs }, k) => {
      const operator = this.#operators[k]!;
      return operator.linear?.map ?? operator.differentiate(inputs.map((id) => values[id]!));
    });
    return new Linearisation(this.network, values[this.network.output]!, differentials);
  }
}

/** A network at one point: its value there, and products with its Jacobian J [entries of the output, entries of the input]. */
export class Linearisation {
  readonly value: Float64Array;
  readonly #network: Network;
  readonly #differentials: readonly (Differential | AffineMap)[];

  constructor(network: Network, value: Float64Array, differentials: readonly (Differential | AffineMap)[]) {
    this.#network = network;
    this.value = value;
    this.#differentials = differentials;
  }

  /** J v */
  push(v: Float64Array): Float64Array {
    return atOnce(this.pushing(v));
  }

  /** As `push`, in steps. */
  *pushing(v: Float64Array): Steps<Float64Array> {
    const { nodes, input, output: last } = this.#network;
    const increments: Float64Array[] = [];
    increments[input] = v;
    for (const [k, { inputs, output }] of nodes.entries()) {
      const differential = this.#differentials[k]!;
      increments[output] =
        'apply' in differential
          ? yield { map: differential, x: increments[inputs[0]!]!, adjoint: false }
          : differential.push(inputs.map((id) => increments[id]!));
    }
    return increments[last]!;
  }

  /** Jᵀ u */
  pull(u: Float64Array): Float64Array {
    return atOnce(this.pulling(u));
  }

  /** As `pull`, in steps. */
  *pulling(u: Float64Array): Steps<Float64Array> {
    const { nodes, input, output: last } = this.#network;
    const gradients: (Float64Array | undefined)[] = [];
    gradients[last] = u;
    for (let k = nodes.length - 1; k >= 0; k--) {
      const { inputs, output } = nodes[k]!;
      const gradient = gradients[output];
      // What leads nowhere has none.
      if (!gradient) continue;
      const differential = this.#differentials[k]!;
      const parts =
        'apply' in differential
          ? [yield { map: differential, x: gradient, adjoint: true }]
          : differential.pull(gradient);
      for (const [i, part] of parts.entries()) {
        const before = gradients[inputs[i]!];
        gradients[inputs[i]!] = before ? added(before, part) : part;
      }
    }
    return gradients[input]!;
  }
}

function added(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, n) => value + b[n]!);
}
