/** Whole models: chains, residual and dense blocks, branches that cancel, doubling, dead ends. */
import type { ModelDescription } from '../model/description.ts';
import type { Random } from '../random.ts';
import { constantModel } from './constants.ts';
import { grouping, imageGrouping, recurring } from './groups.ts';
import { dense, elementwise, flattening, reading, sliding } from './layers.ts';
import { telling, twins } from './lengths.ts';
import { maps } from './maps.ts';
import { STYLES } from './scales.ts';
import { type Layer, Workbench } from './workbench.ts';

export interface Generated {
  readonly model: ModelDescription;
  /** Weights may be of any size. */
  readonly nasty: boolean;
}

/** What layers may do. */
export type Scope = 'fixed' | 'any';

/** @param scope `any`: nothing that ties the network to the length of its file */
export function generate(random: Random, scope: Scope): Generated {
  const style = random.weighted(STYLES);
  const rank = scope === 'any' ? random.pick([1, 1, 2]) : random.pick([0, 0, 1, 1, 1, 2, 3]);
  const side = () => random.integer(1, [0, 9, 4, 3][rank]!);
  const sample =
    rank === 0
      ? [random.integer(1, 6)]
      : [random.integer(1, [0, 3, 2, 1][rank]!), ...Array.from({ length: rank }, side)];
  const bench = new Workbench(random, {
    opset: Number(random.weighted(OPSETS)),
    type: random.chance(style === 'wild' ? 0.7 : 0.3) ? 'double' : 'float',
    style,
    sample,
    batch: random.pick([1, 'N']),
  });
  const writer = new Writer(bench, scope);
  const output = writer.write();
  return { model: bench.finish(output), nasty: bench.scales.nasty || writer.nasty };
}

/** Models whose weights are computed from other constants. */
export function generateConstants(random: Random): Generated {
  return { model: constantModel(random), nasty: false };
}

/** How often each operator set is used; what differs between them lies between these. */
const OPSETS = { 7: 1, 9: 1, 10: 1, 11: 2, 13: 4, 18: 3, 19: 3, 20: 4, 22: 2, 24: 1 };

const BINOMIALS = [[1], [1, 1], [1, 2, 1], [1, 3, 3, 1], [1, 4, 6, 4, 1]];

class Writer {
  readonly #bench: Workbench;
  readonly #random: Random;
  readonly #scope: Scope;
  /** Tensors that something follows from. */
  readonly #passed: string[] = [];
  /** Something here only exact numbers tell. */
  nasty = false;

  constructor(bench: Workbench, scope: Scope) {
    this.#bench = bench;
    this.#random = bench.random;
    this.#scope = scope;
  }

  write(): string {
    const random = this.#random;
    let x = 'x';
    const alone = random.chance(this.#scope === 'fixed' ? 0.12 : 0.03) ? this.#function(x) : undefined;
    if (alone !== undefined) return alone;
    const told = this.#scope === 'any' && random.chance(0.6) ? telling(this.#bench) : undefined;
    if (told !== undefined) return told;
    // Single layers are bounded most sharply.
    let blocks = random.chance(0.3) ? 1 : random.integer(2, 6);
    if (this.#bench.type === 'double' && random.chance(0.25)) {
      x = this.#vanishing(x) ?? x;
      blocks = random.integer(0, 2);
    }
    for (let k = 0; k < blocks; ) {
      const next = this.#block(x);
      if (next === undefined) {
        if (random.chance(0.1)) k++;
        continue;
      }
      this.#passed.push(x);
      x = next;
      k++;
    }
    if (this.#scope === 'fixed') x = this.#head(x);
    return x === 'x' ? (this.#bench.add('Relu', [x]) ?? x) : x;
  }

  /** Alone, or less the identity, a function is bounded sharply enough to see both of its steepest slopes. */
  #function(x: string): string | undefined {
    const bench = this.#bench;
    const random = this.#random;
    const name = random.chance(0.35) ? 'Gate' : random.pick(Object.keys(elementwise));
    const at = random.chance(0.3) ? bench.add('Mul', [x, bench.number(random.pick([0.5, 2, -1, 8]))]) : x;
    const y = at && elementwise[name]!(bench, at);
    return y === undefined || random.chance(0.6) ? y : bench.add('Sub', random.shuffled([y, at!]));
  }

  #block(x: string): string | undefined {
    switch (
      this.#random.weighted({
        layer: 10,
        residual: 2,
        twins: 1.5,
        filters: 1.5,
        cancelling: 0.7,
        vanishing: 0.3,
        dense: 0.7,
        doubling: 0.3,
        called: 0.4,
        deadEnd: 0.3,
        gathered: 0.3,
      })
    ) {
      case 'layer':
        return this.#layer(x);
      case 'residual':
        return this.#residual(x);
      case 'twins':
        return twins(this.#bench, x);
      case 'filters':
        return this.#filters(x);
      case 'cancelling':
        return this.#cancelling(x);
      case 'vanishing':
        return this.#vanishing(x);
      case 'dense':
        return this.#dense(x);
      case 'doubling':
        return this.#bench.add('Add', [x, x]);
      case 'called':
        return this.#called(x);
      case 'deadEnd':
        return this.#layer(x) && this.#layer(x);
      case 'gathered':
        return this.#gathered(x);
      default:
        return undefined;
    }
  }

  #layer(x: string): string | undefined {
    const rank = this.#bench.shape(x).length;
    const family = this.#random.weighted({
      elementwise: 4,
      ...(rank >= 3 && rank <= 5 ? { sliding: 6, reading: this.#scope === 'any' ? 0.4 : 0.8 } : {}),
      ...(rank >= 3 && this.#scope === 'fixed' ? { flattening: 1 } : {}),
      ...(rank === 2 ? { dense: 5 } : {}),
      ...(rank >= 2 && this.#scope === 'fixed' ? { maps: 2.5 } : {}),
      ...(this.#scope === 'fixed' ? { grouping: 1.2, recurring: 0.2 } : {}),
      ...(rank >= 3 && rank <= 5 && this.#scope === 'fixed' ? { imageGrouping: 0.8 } : {}),
    } as Record<string, number>);
    const layers: Readonly<Record<string, Layer>> = {
      ...{ elementwise, sliding, reading, flattening, dense, maps },
      ...{ grouping, imageGrouping, recurring },
    }[family]!;
    return layers[this.#random.pick(Object.keys(layers))]!(this.#bench, x);
  }

  #chain(x: string, length: number): string | undefined {
    let at: string | undefined = x;
    for (let k = 0; k < length && at !== undefined; k++) at = this.#layer(at);
    return at;
  }

  #join(a: string | undefined, b: string | undefined): string | undefined {
    if (a === undefined || b === undefined || a === b) return undefined;
    if (this.#bench.shape(a).join() !== this.#bench.shape(b).join()) return undefined;
    const op = this.#random.weighted({ Add: 4, Sub: 4, Sum: 1, Mean: 1 });
    return this.#bench.add(op, this.#random.shuffled([a, b]));
  }

  /** Two branches, of which one may be nothing, that meet. */
  #residual(x: string): string | undefined {
    for (let k = 0; k < 12; k++) {
      const left = this.#chain(x, this.#random.integer(1, 3));
      const right = this.#random.chance(0.6) ? x : this.#chain(x, this.#random.integer(1, 2));
      const joined = this.#join(left, right);
      if (joined !== undefined) return joined;
    }
    return undefined;
  }

  /**
   * Filters that amplify other frequencies, one behind the other or side by side, with padding so wide that bounds on a torus are near the
   * truth: what one lets pass the other does not, except at the border.
   */
  #filters(x: string): string | undefined {
    const bench = this.#bench;
    const random = this.#random;
    const shape = bench.shape(x);
    if (shape.length < 3 || shape.length > 4) return undefined;
    const channels = shape[1]!;
    const axes = shape.length - 2;
    const low = random.chance(0.5);
    let turn = random.chance(0.2) ? 1 : 0;
    const filter = (from: string | undefined, wide: boolean): string | undefined => {
      if (from === undefined) return undefined;
      const taps = random.integer(2, 6 - axes);
      const high = (turn++ % 2 === 0) === low;
      const kernel = new Array<number>(axes).fill(taps);
      const { values, ...tensor } = bench.tensor([channels, 1, ...kernel], taps ** axes);
      // Powers of 1 ± z vanish at one end of the spectrum, to an order.
      const exactly = axes === 1 && random.chance(0.6);
      const sizes = exactly ? values.map((_, k) => BINOMIALS[taps - 1]![k % taps]!) : values.map(Math.abs);
      const signed = sizes.map((size, k) => (high && (k % taps) % 2 === 1 ? -size : size));
      const before = wide ? taps - 1 : random.integer(0, taps - 1);
      const pads = [...kernel.map(() => before), ...kernel.map(() => taps - 1 - (wide ? 0 : before))];
      return bench.add('Conv', [from, bench.exactly({ ...tensor, values: signed })], {
        group: { i: channels },
        pads: { is: pads },
      });
    };
    // A slope near one keeps the bound near the truth.
    const bent = (from: string) => bench.add('LeakyRelu', [from], { alpha: { f: Math.fround(0.99) } });
    if (random.chance(0.5)) {
      const first = filter(x, false);
      const bends = first !== undefined && random.chance(0.5);
      return filter(bends ? bent(first) : first, random.chance(bends ? 0.6 : 0.3));
    }
    const [left, right] = random.chance(0.5)
      ? [x, filter(filter(x, false), false)]
      : [filter(x, false), filter(x, false)];
    const joined = this.#join(left, right);
    return joined === undefined || random.chance(0.5) ? joined : bent(joined);
  }

  /** x + εx − x, in one of several words, and perhaps as large again as ε is small. */
  #cancelling(x: string): string | undefined {
    const bench = this.#bench;
    const random = this.#random;
    this.nasty = true;
    const epsilon = bench.scales.epsilon();
    const small = bench.add('Mul', [x, bench.number(epsilon)]);
    if (!small) return undefined;
    const parts = random.shuffled([x, small]);
    const away = random.chance(0.5)
      ? bench.add('Sub', [bench.add('Add', parts)!, x])
      : bench.add(random.pick(['Sum', 'Mean']), [...parts, bench.add('Neg', [x])!]);
    if (!away || random.chance(0.3)) return away;
    const between = random.chance(0.4) ? this.#layer(away) : away;
    return between && bench.add('Mul', [between, bench.number(2 ** Math.min(120, -Math.log2(epsilon)))]);
  }

  /** Factors whose product is moderate, but not that of the first few: nothing of them may be lost, whatever they are folded into. */
  #vanishing(x: string): string | undefined {
    const bench = this.#bench;
    const random = this.#random;
    this.nasty = true;
    const reach = bench.type === 'float' ? 125 : 1000;
    const sign = random.pick([-1, 1]);
    const first = Array.from({ length: random.integer(2, 4) }, () => sign * random.integer(reach / 2, reach));
    const after = first.map((exponent) => -exponent + random.integer(-2, 2));
    let at: string | undefined = x;
    for (const exponent of [...first, ...random.shuffled(after)]) {
      if (at !== undefined && random.chance(0.15))
        at = bench.add(random.pick(['Relu', 'Neg', 'Identity']), [at]);
      at &&= this.#factor(at, exponent);
    }
    return at;
  }

  /** Times about 2^exponent, in one of several words. */
  #factor(x: string, exponent: number): string | undefined {
    const bench = this.#bench;
    const random = this.#random;
    const shape = bench.shape(x);
    const channels = shape[1];
    const word = random.weighted({
      Mul: 3,
      Div: 2,
      ...(channels !== undefined && shape.length <= 4 ? { BatchNormalization: 2 } : {}),
      ...(shape.length >= 3 && shape.length <= 4 ? { Conv: 2 } : {}),
    } as Record<string, number>);
    const factors = (count: number, power: number) =>
      Array.from({ length: count }, () => bench.scales.stored(random.pick([1, -1, 1.5]) * 2 ** power));
    const vector = (values: readonly number[], ...dims: number[]) =>
      bench.exactly({ type: bench.type, dims, values });
    switch (word) {
      case 'Mul':
        return bench.add('Mul', random.shuffled([x, bench.number(factors(1, exponent)[0]!)]));
      case 'Div':
        return bench.add('Div', [x, bench.number(factors(1, -exponent)[0]!)]);
      case 'BatchNormalization': {
        const none = () => vector(new Array<number>(channels!).fill(0), channels!);
        const one = vector(new Array<number>(channels!).fill(1), channels!);
        const scale = vector(factors(channels!, exponent), channels!);
        return bench.add('BatchNormalization', [x, scale, none(), none(), one], { epsilon: { f: 0 } });
      }
      default: {
        const kernel = shape.slice(2).map(() => 1);
        const weight = vector(factors(channels!, exponent), channels!, 1, ...kernel);
        return bench.add('Conv', [x, weight], { group: { i: channels! } });
      }
    }
  }

  /** Joined with something from before, along the channels. */
  #dense(x: string): string | undefined {
    const shape = this.#bench.shape(x);
    const fitting = this.#passed.filter((name) => {
      const other = this.#bench.shape(name);
      return other.length === shape.length && other.every((side, a) => a === 1 || side === shape[a]);
    });
    const other = fitting.length > 0 ? this.#random.pick(fitting) : x;
    if (shape.length < 2) return undefined;
    return this.#bench.add('Concat', this.#random.shuffled([x, other]), { axis: { i: 1 } });
  }

  /** Through a local function. */
  #called(x: string): string | undefined {
    if (this.#bench.opset < 13) return undefined;
    const op = this.#random.pick(['Relu', 'Tanh', 'Neg', 'LeakyRelu']);
    const alpha = op === 'LeakyRelu' ? { alpha: { f: 0.5 } } : {};
    const name = this.#bench.fresh('Function');
    const domain = this.#bench.define({
      name,
      inputs: ['a'],
      outputs: ['b'],
      nodes: [
        { op, inputs: ['a'], outputs: ['inner'], attributes: alpha },
        { op: 'Add', inputs: ['inner', 'a'], outputs: ['b'], attributes: {} },
      ],
    });
    return this.#bench.addAll(name, [x], {}, 1, domain)?.[0];
  }

  /** Sum of all that has this shape. */
  #gathered(x: string): string | undefined {
    const shape = this.#bench.shape(x).join();
    const same = this.#bench.made.filter((name) => this.#bench.shape(name).join() === shape).slice(-4);
    return same.length < 2 ? undefined : this.#bench.add('Sum', same);
  }

  /** Most classifiers end in a vector. */
  #head(x: string): string {
    const bench = this.#bench;
    let at = x;
    if (bench.shape(at).length > 2 && this.#random.chance(0.5)) at = bench.add('Flatten', [at]) ?? at;
    if (bench.shape(at).length === 2 && this.#random.chance(0.5)) at = dense.Gemm!(bench, at) ?? at;
    if (bench.shape(at).length === 2 && this.#random.chance(0.06))
      at = bench.add(this.#random.pick(['Softmax', 'LogSoftmax']), [at], { axis: { i: 1 } }) ?? at;
    return at;
  }
}
