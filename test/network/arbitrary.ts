/** Random small networks of every operator, for the tests of this folder. */
import * as fc from 'fast-check';
import { InputError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Elementwise } from '../../src/network/elementwise/elementwise.ts';
import type { Network, TensorId } from '../../src/network/network.ts';
import type { Operator, PaddingMode } from '../../src/network/operator.ts';
import { product } from '../../src/network/size.ts';

/** A deterministic source of numbers (mulberry32). */
export class Random {
  private state: number;
  constructor(seed: number) {
    this.state = seed;
  }
  /** In [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  integer(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }
  pick<T>(choices: readonly T[]): T {
    return choices[this.integer(0, choices.length - 1)]!;
  }
  chance(probability: number): boolean {
    return this.next() < probability;
  }
  vector(length: number): Float64Array {
    return new Float64Array(length).map(() => 2 * this.next() - 1);
  }
  shuffled<T>(values: readonly T[]): T[] {
    return values
      .map((value) => ({ value, key: this.next() }))
      .sort((a, b) => a.key - b.key)
      .map(({ value }) => value);
  }
}

export function randomElementwise(random: Random, channels: number): Elementwise {
  const slopes = random.vector(random.chance(0.3) ? 1 : channels);
  return random.pick<Elementwise>([
    { name: 'relu' },
    { name: 'leaky-relu', slope: 0.1 },
    { name: 'prelu', slopes },
    { name: 'prelu', slopes },
    { name: 'tanh' },
    { name: 'gelu' },
    { name: 'abs' },
    { name: 'clip', min: -0.5, max: 0.7 },
  ]);
}

const MODES: readonly PaddingMode[] = ['zero', 'zero', 'zero', 'circular', 'reflect', 'replicate'];

function randomPads(random: Random, axes: number) {
  const amount = () => (random.chance(0.5) ? 0 : random.integer(0, 2));
  return {
    mode: random.pick(MODES),
    before: Array.from({ length: axes }, amount),
    after: Array.from({ length: axes }, amount),
  };
}

/** `shuffle`: channels as a matrix, transposed. `turn`: the last two axes swapped. */
export type Kind = Operator['kind'] | 'flatten' | 'shuffle' | 'turn';

/** Those that keep an image an image more often than those that end it. */
export const KINDS: readonly Kind[] = [
  'affine',
  'convolution',
  'convolution',
  'convolution',
  'convolution',
  'transposed-convolution',
  'transposed-convolution',
  'scale',
  'scale',
  'scale',
  'nonlinearity',
  'average-pool',
  'average-pool',
  'max-pool',
  'global-average-pool',
  'global-max-pool',
  'pad',
  'pad',
  'reindex',
  'gather',
  'gather',
  'flatten',
  'shuffle',
  'shuffle',
  'shuffle',
  'turn',
  'add',
  'concat',
];

/** An operator of that kind with random numbers for an input of `shape`; it may turn out not to fit. */
export function randomOperator(random: Random, kind: Kind, shape: readonly number[]): Operator {
  const axes = shape.length - 1;
  const channels = shape[0]!;
  const perAxis = (least: number, most: number) =>
    Array.from({ length: axes }, () => random.integer(least, most));
  const common = () => ({ kernel: perAxis(1, 3), stride: perAxis(1, 2), dilation: perAxis(1, 2) });
  const biased = <O extends object>(operator: O, outputs: number) =>
    random.chance(0.5) ? { ...operator, bias: random.vector(outputs) } : operator;
  const groups = random.chance(0.3) ? channels : random.pick([1, 1, 1, 2]);
  const outputs = groups === 1 ? random.integer(1, 6) : groups * random.integer(1, 2);
  switch (kind) {
    case 'affine': {
      const inputs = product(shape);
      return biased({ kind, outputs: 6, inputs, weight: random.vector(6 * inputs) }, 6);
    }
    case 'convolution': {
      const windows = common();
      const weight = random.vector(outputs * Math.floor(channels / groups) * product(windows.kernel));
      const padding = randomPads(random, axes);
      return biased({ kind, outputs, inputs: channels, groups, ...windows, padding, weight }, outputs);
    }
    case 'transposed-convolution': {
      const windows = common();
      const weight = random.vector(channels * (outputs / groups) * product(windows.kernel));
      const cut = { before: perAxis(0, 1), after: perAxis(0, 1), outputPadding: perAxis(0, 1) };
      return biased({ kind, outputs, inputs: channels, groups, ...windows, ...cut, weight }, outputs);
    }
    case 'scale': {
      const count = () => random.pick([1, channels, channels, product(shape)]);
      const scale = random.vector(count());
      return random.chance(0.5) ? { kind, scale } : { kind, scale, shift: random.vector(count()) };
    }
    case 'nonlinearity':
      return { kind, function: randomElementwise(random, channels) };
    case 'average-pool': {
      const { kernel, stride } = common();
      const whole = random.chance(0.2) ? shape.slice(1) : kernel;
      const padding = { ...randomPads(random, axes), mode: 'zero' as const };
      return { kind, kernel: whole, stride, padding, countIncludesPadding: random.chance(0.5) };
    }
    case 'max-pool': {
      const { before, after } = randomPads(random, axes);
      const windows = common();
      return { kind, ...windows, before, after };
    }
    case 'global-average-pool':
      return { kind, sum: random.chance(0.3) };
    case 'global-max-pool':
      return { kind };
    case 'pad':
      return { kind, padding: randomPads(random, axes) };
    case 'gather': {
      const picked = (count: number, entries: number) =>
        Int32Array.from({ length: count }, () => random.integer(random.chance(0.2) ? -1 : 0, entries - 1));
      if (random.chance(0.4)) return { kind, sources: picked(random.integer(1, 6), channels) };
      const target = random.pick([shape, shape, [2 * channels, ...shape.slice(1)], [random.integer(1, 20)]]);
      const entries = product(shape);
      const permuted = Int32Array.from(random.shuffled([...new Array(entries).keys()]));
      const sources = target === shape && random.chance(0.5) ? permuted : picked(product(target), entries);
      return { kind, sources, shape: target };
    }
    case 'flatten':
      return { kind: 'reindex', permutation: shape.map((_, axis) => axis), shape: [product(shape)] };
    case 'reindex': {
      const permutation = random.chance(0.7)
        ? random.shuffled(shape.map((_, a) => a))
        : shape.map((_, a) => a);
      const now = permutation.map((axis) => shape[axis]!);
      const target = random.pick([
        now,
        now,
        [product(now)],
        [now[0]!, product(now.slice(1))],
        now.filter((side) => side > 1),
        [...now, 1],
        [1, ...now],
        now.length > 2 ? [now[0]! * now[1]!, ...now.slice(2)] : now,
      ]);
      return { kind, permutation, shape: target.length > 0 ? target : [1] };
    }
    case 'shuffle':
    case 'turn':
    case 'add':
    case 'concat':
    case 'softmax':
    case 'grouped':
    case 'max-gather':
      throw new Error(`${kind} is not made here`);
    default:
      throw new Error(`unknown kind ${kind satisfies never}`);
  }
}

interface Step {
  readonly kind: Kind;
  /** How far back the input is taken from. */
  readonly back: number;
  readonly seed: number;
}

function appendStep(builder: NetworkBuilder, pool: TensorId[], { kind, back, seed }: Step): void {
  const random = new Random(seed);
  const at = Math.max(pool.length - 1 - back, 0);
  const x = pool[at]!;
  const shape = builder.shape(x);
  if (kind === 'add') {
    const alike = pool.filter((id) => builder.shape(id).join() === shape.join());
    const inputs = [x, ...random.shuffled(alike).slice(0, random.integer(0, 2))];
    pool.push(builder.add('', { kind, coefficients: [...random.vector(inputs.length)] }, inputs));
  } else if (kind === 'concat') {
    const alike = pool.filter((id) => builder.shape(id).slice(1).join() === shape.slice(1).join());
    pool.push(builder.add('', { kind }, [x, ...random.shuffled(alike).slice(0, random.integer(0, 2))]));
  } else if (kind === 'shuffle') {
    const [channels, ...rest] = shape as [number, ...number[]];
    const divisor = random.pick([2, 3].filter((d) => channels % d === 0 && channels > d));
    if (divisor === undefined) return;
    const matrix = [divisor, channels / divisor, ...rest];
    const permutation = [1, 0, ...rest.map((_, axis) => axis + 2)];
    const split = builder.add('', { kind: 'reindex', permutation: shape.map((_, a) => a), shape: matrix }, [
      x,
    ]);
    pool.push(builder.add('', { kind: 'reindex', permutation, shape }, [split]));
  } else if (kind === 'turn') {
    const permutation = shape.map((_, axis) => axis);
    permutation.push(...permutation.splice(-2, 2).reverse());
    const turned = permutation.map((axis) => shape[axis]!);
    pool.push(builder.add('', { kind: 'reindex', permutation, shape: turned }, [x]));
  } else {
    pool.push(builder.add('', randomOperator(random, kind, shape), [x]));
  }
}

export interface RandomNetwork {
  readonly network: Network;
  readonly x: Float64Array;
}

/** Networks of up to `most` random nodes, and an input. With `fixedEnds` a tanh comes before them and an affine
 *  operator behind, so that no reindex stands at the input or at the output. */
export function arbitraryNetwork(most: number, fixedEnds: boolean): fc.Arbitrary<RandomNetwork> {
  const side = fc.integer({ min: 1, max: 4 });
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom(...KINDS),
    back: fc.constantFrom(0, 0, 0, 0, 0, 1, 2, 3),
    seed: fc.nat(),
  });
  return fc
    .record({
      shape: fc.oneof(
        fc.array(side, { minLength: 1, maxLength: 4 }),
        fc.tuple(fc.constantFrom(2, 3, 4, 6), fc.constant(4), fc.constant(4)),
      ),
      steps: fc.array(step, { maxLength: most, size: 'max' }),
      seed: fc.nat(),
    })
    .map(({ shape, steps, seed }) => {
      const builder = new NetworkBuilder('random');
      const input = builder.input('x', shape);
      const start: Operator = { kind: 'nonlinearity', function: { name: 'tanh' } };
      const pool = [fixedEnds ? builder.add('start', start, [input]) : input];
      for (const s of steps) {
        try {
          appendStep(builder, pool, s);
        } catch (error) {
          if (!(error instanceof InputError)) throw error; // it did not fit; the next one may
        }
      }
      const random = new Random(seed);
      const last = pool.at(-1)!;
      const end = randomOperator(random, 'affine', builder.shape(last));
      const network = builder.build(fixedEnds ? builder.add('end', end, [last]) : last);
      return { network, x: random.vector(product(shape)) };
    })
    .filter(({ network }) => network.tensors.every((tensor) => product(tensor.shape) <= 600));
}

/** Largest difference relative to the largest entry; NaN in either, or another length, is infinite. */
export function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let largest = 1e-12;
  for (let i = 0; i < a.length; i++) {
    if (!Number.isFinite(a[i]) || !Number.isFinite(b[i])) return Number.POSITIVE_INFINITY;
    difference = Math.max(difference, Math.abs(a[i]! - b[i]!));
    largest = Math.max(largest, Math.abs(a[i]!), Math.abs(b[i]!));
  }
  return difference / largest;
}
