/** The weights of one way through a sequence. */
import type { Elementwise } from '../../../../network/elementwise/elementwise.ts';
import { inDouble } from '../../../../network/numbers.ts';
import type { Call, Signal } from '../../call.ts';
import { type Constant, constantOf } from '../../values/constant.ts';
import type { State } from './sequence.ts';

/** What tells the operators apart. */
export interface Kind {
  /** How many blocks of `hidden` rows W, R and both halves of B have. */
  readonly gates: number;
  /** The names of the functions, where the file gives none. */
  readonly activations: readonly string[];
  /** The inputs that states start from. */
  readonly states: readonly number[];
  /** The input of weights from the cell to its gates. */
  readonly peepholes?: number;
  /** The states after a step. */
  readonly step: (call: Call, direction: Direction, x: Signal, states: readonly State[]) => readonly Signal[];
}

export interface Direction {
  readonly backward: boolean;
  readonly hidden: number;
  /** Blocks of W, [hidden, features] each. */
  readonly input: readonly Constant[];
  /** Blocks of R, [hidden, hidden] each. */
  readonly state: readonly Constant[];
  /** Blocks of the biases of W and of R; undefined: zeros. */
  readonly inputBias: readonly (Float64Array | undefined)[];
  readonly stateBias: readonly (Float64Array | undefined)[];
  readonly peepholes: readonly Float64Array[] | undefined;
  readonly functions: readonly Elementwise[];
}

const ACTIVATIONS: ReadonlyMap<string, Elementwise> = new Map([
  ['tanh', { name: 'tanh' }],
  ['relu', { name: 'relu' }],
  ['sigmoid', { name: 'sigmoid' }],
  ['softsign', { name: 'softsign' }],
  ['softplus', { name: 'softplus' }],
]);

export function readDirections(call: Call, kind: Kind, features: number): Direction[] {
  const { attributes } = call;
  const direction = attributes.text('direction', 'forward');
  const ways = { forward: [false], reverse: [true], bidirectional: [false, true] }[direction];
  if (!ways) return call.malformed('direction must be forward, reverse or bidirectional', direction);
  const { gates } = kind;
  const [w, r] = [call.numbers(1), call.numbers(2)];
  const b = call.inputs[3] ? call.numbers(3) : undefined;
  const p =
    kind.peepholes !== undefined && call.inputs[kind.peepholes] ? call.numbers(kind.peepholes) : undefined;
  const rows = w.shape[1] ?? 0;
  const hidden = attributes.integer('hidden_size', rows / gates);
  const fits = (constant: Constant, what: string, ...shape: number[]) => {
    const all = [ways.length, ...shape];
    call.demand(constant.shape.join() === all.join(), `${what} must be [${all.join(', ')}]`, constant.shape);
  };
  fits(w, 'W', gates * hidden, features);
  fits(r, 'R', gates * hidden, hidden);
  if (b) fits(b, 'B', 2 * gates * hidden);
  if (p) fits(p, 'P', 3 * hidden);
  const own = kind.activations.length;
  const names = attributes.strings('activations') ?? ways.flatMap(() => kind.activations);
  call.demand(names.length === ways.length * own, `activations must be ${ways.length * own}`, names.length);
  const blocks = ({ data }: Constant, size: number, count: number, d: number) => {
    const all = inDouble(data);
    return Array.from({ length: count }, (_, k) =>
      all.slice((d * count + k) * size, (d * count + k + 1) * size),
    );
  };
  return ways.map((backward, d): Direction => {
    const matrices = (from: Constant, columns: number) =>
      blocks(from, hidden * columns, gates, d).map((data) => constantOf(from.type, [hidden, columns], data));
    const biases = b ? blocks(b, hidden, 2 * gates, d) : [];
    return {
      ...{ backward, hidden, input: matrices(w, features), state: matrices(r, hidden) },
      inputBias: Array.from({ length: gates }, (_, k) => biases[k]),
      stateBias: Array.from({ length: gates }, (_, k) => biases[gates + k]),
      peepholes: p && blocks(p, hidden, 3, d),
      functions: names
        .slice(d * own, (d + 1) * own)
        .map(
          (name) =>
            ACTIVATIONS.get(name.toLowerCase()) ??
            call.refuse(name, `activations are ${[...ACTIVATIONS.keys()].join(', ')}`),
        ),
    };
  });
}
