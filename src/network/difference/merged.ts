/**
 * Two networks on one input as one network (docs/mathematics.md §13). What both have alike is there once, down to the channels of a layer
 * whose other weights differ; where linear operators differ, so do their weights: A x − B y = A (x − y) + (A − B) y.
 */
import { InputError, UnsupportedError } from '../../errors.ts';
import { NetworkBuilder } from '../builder.ts';
import { channelEntries, type Elementwise, mapChannelEntries } from '../elementwise/elementwise.ts';
import type { LinearOperator } from '../linearOperator.ts';
import type { Network, Node, TensorId } from '../network.ts';
import type { Operator } from '../operator.ts';
import { product, sameShape } from '../size.ts';
import {
  type Blocks,
  columnsRead,
  differInNumbers,
  hasBlocks,
  marked,
  operatorDifference,
  restricted,
  rowsReached,
  sameOperator,
  withoutConstant,
} from './operators.ts';
import { lazily, type Pair, picked, wholeMinus, wholeValue } from './pair.ts';
import { withoutUnread } from './unread.ts';

/** Entries of all tensors of a network: what both have alike is listed entry by entry. Large CNNs have some ten million. */
const MOST_VALUES = 2 ** 27;

/**
 * x ↦ A(x) − B(x), as a network.
 * @returns undefined where all that A and B do is the same, so that the difference is 0
 * @throws InputError for inputs or outputs of other shapes, and where numbers of both are too far apart for float64
 * @throws UnsupportedError for networks out of all proportion
 */
export function mergedDifference(a: Network, b: Network): Network | undefined {
  refuseOtherShapes(a, b);
  refuseHuge(b);
  const walk = new Walk(a, b, false);
  const minus = walk.all();
  return minus === undefined ? undefined : withoutUnread(walk.builder.build(minus, undefined, tiesOf(a, b)));
}

/** B beside A − B, where differences of values go through a function of their own for each function of B. */
export interface PairedNetwork {
  /** Its output is that of A − B, then that of B. */
  readonly network: Network;
  /** What stands for φ(y + d) − φ(y) as a function of d, entry by entry: by the function that stands in the network. */
  readonly paired: ReadonlyMap<Elementwise, PairedFunction>;
}

export interface PairedFunction {
  /** The function of B whose arguments are y. */
  readonly own: Elementwise;
  /** Those of its channels that it is one of; undefined: all. */
  readonly channels: Int32Array | undefined;
}

/**
 * As `mergedDifference`, of values instead of increments: the network's functions of differences are those that `paired` has, and are to be
 * taken for no others.
 * @returns undefined where A and B are not the same but for numbers of linear operators, or have operators that are neither linear nor
 *   elementwise; and where all that they do is the same
 */
export function pairedNetwork(a: Network, b: Network): PairedNetwork | undefined {
  const walk = new Walk(a, b, true);
  const pair = walk.pair();
  if (!pair?.other) return undefined;
  const minus = wholeMinus(walk.builder, 'A − B', pair);
  const output = walk.builder.add('A − B, B', { kind: 'concat' }, [minus, pair.own]);
  const network = walk.builder.build(output, undefined, tiesOf(a, b));
  return { network, paired: walk.paired };
}

/** @throws InputError */
export function refuseOtherShapes(a: Network, b: Network): void {
  for (const end of ['input', 'output'] as const) {
    const [first, second] = [a, b].map((network) => network.tensors[network[end]]!.shape);
    if (sameShape(first!, second!)) continue;
    throw new InputError(
      `difference: the ${end}s of both networks must have one shape, got ${first!.join('×')} and ${second!.join('×')}`,
    );
  }
}

/** What ties either of them to its length ties the difference. */
function tiesOf(a: Network, b: Network): NonNullable<Network['ties']> {
  return [...(a.ties ?? []), ...(b.ties ?? [])];
}

function refuseHuge({ name, tensors }: Network): void {
  const values = tensors.reduce((sum, { shape }) => sum + product(shape), 0);
  if (values <= MOST_VALUES) return;
  const found = `${values} entries of tensors`;
  throw new UnsupportedError([
    { node: name, found, reason: `differences are of networks of up to ${MOST_VALUES}` },
  ]);
}

/** Both networks node by node, as long as they are alike. */
class Walk {
  readonly builder: NetworkBuilder;
  readonly paired = new Map<Elementwise, PairedFunction>();
  readonly #a: Network;
  readonly #b: Network;
  readonly #values: boolean;
  readonly #branches: boolean;
  /** Tensors of A and of B that belong together, by that of A and by that of B. */
  readonly #pairs = { a: new Map<TensorId, Pair>(), b: new Map<TensorId, Pair>() };

  /** @param values whether differences of functions are functions of differences */
  constructor(a: Network, b: Network, values: boolean) {
    this.builder = new NetworkBuilder(`${a.name} − ${b.name}`);
    [this.#a, this.#b, this.#values] = [a, b, values];
    this.#branches = b.nodes.some(({ inputs }) => inputs.length > 1);
    const { name, shape } = b.tensors[b.input]!;
    this.#belong(a.input, b.input, { own: this.builder.input(name, shape) });
  }

  /** The output's pair; undefined where A and B are not alike all the way. */
  pair(): Pair | undefined {
    const end = this.#together();
    if (end < Math.max(this.#a.nodes.length, this.#b.nodes.length)) return undefined;
    const pair = this.#pairs.a.get(this.#a.output);
    return pair === this.#pairs.b.get(this.#b.output) ? pair : undefined;
  }

  /** A − B; undefined where it is 0. */
  all(): TensorId | undefined {
    const { builder } = this;
    const end = this.#together();
    const [a, b] = [this.#a, this.#b];
    const [first, second] = [this.#pairs.a.get(a.output), this.#pairs.b.get(b.output)];
    if (first && first === second) return first.other && wholeMinus(builder, 'A − B', first);
    const value = this.#alone(a, end, 'A', (id) => wholeValue(builder, 'A', this.#pairs.a.get(id)!));
    const own = this.#alone(b, end, 'B', (id) => this.#pairs.b.get(id)!.own);
    return builder.add('A − B', { kind: 'add', coefficients: [1, -1] }, [value, own]);
  }

  /** The nodes of one network from `start` on. */
  #alone(network: Network, start: number, which: string, before: (id: TensorId) => TensorId): TensorId {
    const images = new Map<TensorId, TensorId>();
    const image = (id: TensorId) => images.get(id) ?? before(id);
    for (const { name, operator, inputs, output } of network.nodes.slice(start))
      images.set(output, this.builder.add(`${name} (${which})`, operator, inputs.map(image)));
    return image(network.output);
  }

  /** @returns at which node they part */
  #together(): number {
    const [a, b] = [this.#a.nodes, this.#b.nodes];
    let k = 0;
    for (; k < Math.min(a.length, b.length); k++) {
      const inputs = this.#inputs(a[k]!, b[k]!);
      const pair = inputs && this.#step(a[k]!.operator, b[k]!, inputs);
      if (!pair) break;
      this.#belong(a[k]!.output, b[k]!.output, pair);
    }
    return k;
  }

  #belong(a: TensorId, b: TensorId, pair: Pair): void {
    this.#pairs.a.set(a, pair);
    this.#pairs.b.set(b, pair);
  }

  /** Undefined where they do not read what belongs together. */
  #inputs(a: Node, b: Node): Pair[] | undefined {
    if (a.inputs.length !== b.inputs.length) return undefined;
    const pairs = a.inputs.map((id) => this.#pairs.a.get(id)!);
    return pairs.every((pair, k) => pair === this.#pairs.b.get(b.inputs[k]!)) ? pairs : undefined;
  }

  /** Undefined where the operators are not alike. */
  #step(a: Operator, { name, operator: b }: Node, inputs: readonly Pair[]): Pair | undefined {
    const [input] = inputs;
    if (differInNumbers(a, b)) return this.#linear(name, a as LinearOperator, b as LinearOperator, input!);
    if (!sameOperator(a, b)) return undefined;
    const differ = inputs.some(({ other }) => other !== undefined);
    const { builder } = this;
    if (b.kind === 'nonlinearity') return this.#nonlinear(name, b.function, input!);
    if (!differ)
      return {
        own: builder.add(
          name,
          b,
          inputs.map(({ own }) => own),
        ),
      };
    const isSum = b.kind === 'add' || b.kind === 'concat';
    if (!isSum && this.#values) return undefined;
    const own = builder.add(
      name,
      b,
      inputs.map((pair) => pair.own),
    );
    const value = lazily(() =>
      builder.add(
        `${name} (A)`,
        b,
        inputs.map((pair) => wholeValue(builder, name, pair)),
      ),
    );
    const minus = lazily(() =>
      isSum
        ? builder.add(
            `${name} (A − B)`,
            b,
            inputs.map((pair) => wholeMinus(builder, name, pair)),
          )
        : builder.add(`${name} (A − B)`, { kind: 'add', coefficients: [1, -1] }, [value(), own]),
    );
    return { own, other: { channels: undefined, value, minus } };
  }

  #nonlinear(name: string, f: Elementwise, { own: argument, other: before }: Pair): Pair {
    const { builder } = this;
    const add = (label: string, g: Elementwise, to: TensorId) =>
      builder.add(label, { kind: 'nonlinearity', function: g }, [to]);
    // A copy, so that this node's can be told from others.
    const b = { ...f };
    const own = add(name, b, argument);
    if (!before) return { own };
    const shape = builder.shape(argument);
    const entries = channelEntries(f)?.length ?? 1;
    const { channels } = before;
    const separable = entries === 1 || entries === shape[0];
    const whole = channels !== undefined && !separable;
    const to = whole ? undefined : channels;
    const g = mapChannelEntries({ ...f }, (values) =>
      to && values.length > 1 ? Float64Array.from(to, (channel) => values[channel]!) : values,
    );
    const pair = { own: argument, other: before };
    if (this.#values) {
      this.paired.set(g, { own: b, channels: to });
      const minus = lazily(() => {
        const difference = whole ? wholeMinus(builder, name, pair) : before.minus();
        return add(
          `${name} (A − B)`,
          g,
          this.#branches ? this.#asDeep(name, difference, argument) : difference,
        );
      });
      return { own, other: { channels: to, value: unasked, minus } };
    }
    const value = lazily(() =>
      add(`${name} (A)`, g, whole ? wholeValue(builder, name, pair) : before.value()),
    );
    const minus = lazily(() =>
      builder.add(`${name} (A − B)`, { kind: 'add', coefficients: [1, -1] }, [
        value(),
        picked(builder, `${name} (B)`, own, to),
      ]),
    );
    return { own, other: { channels: to, value, minus } };
  }

  /** Where branches meet, a difference may come from the shorter one: with zeros of the argument it is as deep as that. */
  #asDeep(name: string, difference: TensorId, argument: TensorId): TensorId {
    const none = new Int32Array(this.builder.shape(difference)[0]!).fill(-1);
    const zeros = this.builder.add(`${name} (zeros)`, { kind: 'gather', sources: none }, [argument]);
    return this.builder.add(`${name} (A − B)`, { kind: 'add', coefficients: [1, 1] }, [difference, zeros]);
  }

  #linear(name: string, a: LinearOperator, b: LinearOperator, input: Pair): Pair {
    const { builder } = this;
    const own = builder.add(name, b, [input.own]);
    const step = operatorDifference(a, b);
    const { other: before } = input;
    if (!step && !before) return { own };
    const blocks = hasBlocks(a, builder.shape(input.own));
    const rows = blocks ? differingRows(a, step as Blocks | undefined, input) : undefined;
    if (rows?.length === 0) return { own };
    const columns = blocks ? before?.channels : undefined;
    const ofMinus = () =>
      builder.add(`${name} (A − B, from before)`, restricted(withoutConstant(a), rows, columns), [
        blocks ? before!.minus() : wholeMinus(builder, name, input),
      ]);
    const ofStep = () => {
      const read = blocks ? partOf(columnsRead(step as Blocks), a.inputs) : undefined;
      return builder.add(`${name} (A − B, own)`, restricted(step!, rows, read), [
        picked(builder, `${name} (read)`, input.own, read),
      ]);
    };
    const sum = (terms: readonly TensorId[]) =>
      terms.length === 1
        ? terms[0]!
        : builder.add(`${name} (A − B)`, { kind: 'add', coefficients: terms.map(() => 1) }, terms);
    const minus = lazily(() => sum([...(before ? [ofMinus()] : []), ...(step ? [ofStep()] : [])]));
    const value = lazily(() => {
      const whole = restricted(a, rows, undefined);
      if (!before?.channels) return builder.add(`${name} (A)`, whole, [before?.value() ?? input.own]);
      if (!blocks) return builder.add(`${name} (A)`, whole, [wholeValue(builder, name, input)]);
      return sum([builder.add(`${name} (A)`, whole, [input.own]), ofMinus()]);
    });
    return { own, other: { channels: rows, value, minus } };
  }
}

function unasked(): never {
  throw new Error('difference: of values only differences are carried');
}

/** Channels of the output that the networks may differ in; undefined: all. */
function differingRows(a: Blocks, step: Blocks | undefined, { other }: Pair): Int32Array | undefined {
  const differs = new Uint8Array(a.outputs);
  const add = (flags: Uint8Array) => {
    for (let k = 0; k < flags.length; k++) if (flags[k]) differs[k] = 1;
  };
  if (other) add(rowsReached(a, other.channels));
  if (step) {
    add(rowsReached(step, undefined));
    add(Uint8Array.from(differs, (_, k) => (step.bias && step.bias[k] !== 0 ? 1 : 0)));
  }
  return partOf(marked(differs), a.outputs);
}

/** Undefined where it is all. */
function partOf(channels: Int32Array, all: number): Int32Array | undefined {
  return channels.length === all ? undefined : channels;
}
