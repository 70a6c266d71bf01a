/** Short networks that tell whether a bound for any length has something of the length of its file in it: nearly tight, often linear. */

import { TYPES } from '../model/description.ts';
import type { Attributes } from './bench.ts';
import { reading, sliced, sliding } from './layers.ts';
import type { Workbench } from './workbench.ts';

/** What the network ends in; undefined where nothing fits. */
export function telling(bench: Workbench): string | undefined {
  const { random } = bench;
  switch (random.weighted({ alone: 4, twins: 3, difference: 3, behind: 2 })) {
    case 'alone':
      return way(bench, 'x');
    case 'twins':
      return twins(bench, 'x');
    case 'difference':
      return difference(bench, 'x');
    default: {
      const first = way(bench, 'x');
      const second = first && (random.chance(0.5) ? way(bench, first) : difference(bench, first));
      return (
        second && (random.chance(0.2) ? bench.add('LeakyRelu', [second], { alpha: { f: 0.5 } }) : second)
      );
    }
  }
}

/** Of two ways that make the same shape at the length of the file: where they are alike there, the bound has no room. */
function difference(bench: Workbench, x: string): string | undefined {
  return met(bench, () => (bench.random.chance(0.1) ? x : way(bench, x)));
}

/** The same samples taken in two ways: where the two agree at the length of the file, the difference is nothing. */
export function twins(bench: Workbench, x: string): string | undefined {
  const { random } = bench;
  const [, channels, ...sides] = bench.shape(x) as [number, number, ...number[]];
  if (sides.length === 0) return undefined;
  const step = random.pick([1, 2, 2, 2, 3]);
  const taps = random.integer(1, 3);
  const kernel = sides.map(() => taps);
  const weight = bench.weights([channels, 1, ...kernel], taps ** sides.length);
  const strides = { strides: { is: sides.map(() => step) } };
  const convolved = (from: string, attributes: Attributes) =>
    bench.add('Conv', [from, weight], { group: { i: channels }, ...attributes });
  const way = (): string | undefined => {
    switch (random.integer(0, 3)) {
      case 0:
        return convolved(x, { ...strides, auto_pad: { s: random.pick(['SAME_UPPER', 'SAME_LOWER']) } });
      case 1: {
        const [before, after] = [random.integer(0, taps - 1), random.integer(0, taps)];
        const pads = [...sides.map(() => before), ...sides.map(() => after)];
        return convolved(x, { ...strides, pads: { is: pads } });
      }
      case 2: {
        const taken = sliding.Subsample!(bench, x);
        return taken && convolved(taken, { auto_pad: { s: 'SAME_UPPER' } });
      }
      default: {
        const padded = (random.chance(0.5) ? sliding.Wrap : sliding.Pad)!(bench, x);
        return padded && convolved(padded, strides);
      }
    }
  };
  return met(bench, way);
}

/** The first two ways that meet. */
function met(bench: Workbench, way: () => string | undefined): string | undefined {
  const { random } = bench;
  const ways: string[] = [];
  for (let k = 0; k < 10; k++) {
    const next = way();
    if (next === undefined) continue;
    const shape = bench.shape(next).join();
    const other = ways.find((name) => name !== next && bench.shape(name).join() === shape);
    if (other !== undefined)
      return bench.add(random.weighted({ Sub: 5, Add: 3, Mean: 1 }), random.shuffled([next, other]));
    ways.push(next);
  }
  return undefined;
}

function way(bench: Workbench, x: string): string | undefined {
  const { random } = bench;
  if (bench.shape(x).length < 3) return computed(bench, x);
  switch (random.weighted({ window: 4, hanging: 0.5, move: 1.5, read: 2, computed: 4 })) {
    case 'window':
      return sliding[
        random.pick(['AveragePool', 'AveragePool', 'MaxPool', 'Conv', 'Conv', 'ConvTranspose'])
      ]!(bench, x);
    case 'hanging':
      return hanging(bench, x);
    case 'move':
      return sliding[random.pick(['Pad', 'Wrap', 'WrittenWrap', 'Subsample', 'Subsample'])]!(bench, x);
    case 'read':
      return reading[random.pick(['Reduce', 'Reduce', 'GlobalAveragePool'])]!(bench, x);
    default:
      return computed(bench, x);
  }
}

/** Means over windows side by side, of which the last may hold fewer samples: how many depends on the length. */
function hanging(bench: Workbench, x: string): string | undefined {
  if (bench.opset < 10) return undefined;
  const sides = bench.shape(x).slice(2);
  const side = bench.random.pick([2, 3, 3, 4]);
  const windows = { is: sides.map(() => side) };
  return bench.add('AveragePool', [x], { kernel_shape: windows, strides: windows, ceil_mode: { i: 1 } });
}

/** A layer one of whose numbers is computed from the sides of a tensor. */
function computed(bench: Workbench, x: string): string | undefined {
  const { random } = bench;
  switch (random.weighted({ factor: 5, places: 2, pad: 2, slice: 2, slope: 1, kernel: 1, reshape: 0.5 })) {
    case 'factor': {
      const factor = factorOf(bench, x);
      return factor && bench.add(random.pick(['Mul', 'Div']), [x, factor]);
    }
    case 'places': {
      const places = placesOf(bench, x);
      return places && bench.add('Mul', random.shuffled([x, places]));
    }
    case 'pad': {
      if (bench.opset < 11) return undefined;
      const rank = bench.shape(x).length;
      const n = countOf(bench, x, random.integer(0, 3));
      const at = random.pick([rank - 1, 2 * rank - 1]);
      const zeros = (count: number) => bench.integers(new Array<number>(count).fill(0));
      const parts = [zeros(at), n, ...(at === rank - 1 ? [zeros(rank)] : [])];
      const pads = n && bench.add('Concat', parts as string[], { axis: { i: 0 } });
      return (
        pads && bench.add('Pad', [x, pads], { mode: { s: random.pick(['constant', 'edge', 'constant']) } })
      );
    }
    case 'slice': {
      if (bench.opset < 10) return undefined;
      const rank = bench.shape(x).length;
      const n = countOf(bench, x, bench.shape(x)[rank - 1]!);
      const [from, to] = random.chance(0.5) ? [bench.integers([0]), n] : [n, bench.integers([2 ** 31 - 1])];
      return n && bench.add('Slice', [x, from!, to!, bench.integers([rank - 1])]);
    }
    case 'slope': {
      const slope = factorOf(bench, x);
      return slope && bench.add('PRelu', [x, slope]);
    }
    case 'kernel':
      return kernelOf(bench, x);
    default: {
      const shape = bench.add('Shape', [x]);
      return shape && bench.add('Reshape', [x, shape]);
    }
  }
}

/** Of a convolution: weights times a factor, or as many taps as the signal has samples. */
function kernelOf(bench: Workbench, x: string): string | undefined {
  const { random } = bench;
  const [, channels, ...sides] = bench.shape(x) as [number, number, ...number[]];
  if (sides.length !== 1) return undefined;
  if (random.chance(0.5)) {
    const factor = factorOf(bench, x);
    const weights = bench.weights([random.integer(1, 2), channels, 2], 2 * channels);
    const scaled = factor && bench.add('Mul', [weights, factor]);
    return scaled && bench.add('Conv', [x, scaled]);
  }
  const n = sideOf(bench, x, 2);
  const shape = n && bench.add('Concat', [bench.integers([channels, 1]), n], { axis: { i: 0 } });
  const weight = shape && bench.add('Expand', [bench.number(1, [1]), shape]);
  return weight && bench.add('Conv', [x, weight], { group: { i: channels } });
}

/** [1], int64: a side of x, or what was made of x or before it. */
function sideOf(bench: Workbench, x: string, axis: number): string | undefined {
  const { random } = bench;
  switch (random.integer(0, 3)) {
    case 0: {
      const shape = bench.add('Shape', [x]);
      return shape && bench.add('Gather', [shape, bench.integers([axis])]);
    }
    case 1: {
      const shape = bench.add('Shape', [x]);
      return shape && sliced(bench, shape, 0, axis, axis + 1, 1);
    }
    case 2: {
      const shape =
        bench.opset < 15 ? undefined : bench.add('Shape', [x], { start: { i: axis }, end: { i: axis + 1 } });
      return shape;
    }
    default: {
      const shape = bench.add('Shape', [x]);
      const side =
        shape && bench.add('Gather', [shape, bench.initializer({ type: 'int64', dims: [], values: [axis] })]);
      return side && bench.add('Reshape', [side, bench.integers([1])]);
    }
  }
}

/** [1], int64: a number that a length is a part of, now and then of every length the same. */
function numberOf(bench: Workbench, x: string): string | undefined {
  const { random } = bench;
  const from = random.chance(0.6) ? x : 'x';
  const rank = bench.shape(from).length;
  let n: string | undefined;
  if (random.chance(0.15)) {
    const size = bench.add('Size', [from]);
    n = size && bench.add('Reshape', [size, bench.integers([1])]);
  } else n = sideOf(bench, from, random.chance(0.9) ? rank - 1 : random.integer(0, rank - 1));
  for (let k = random.integer(0, 2); k > 0 && n !== undefined; k--) n = stepped(bench, n);
  return n;
}

function stepped(bench: Workbench, n: string): string | undefined {
  const { random } = bench;
  const own = bench.numbers(n)[0]!;
  const c = (value: number) => bench.integers([value]);
  const near = () => c(random.pick([own, own - 1, own + 1, 2]));
  switch (random.integer(0, 5)) {
    case 0:
      return bench.add('Add', [n, c(random.integer(1, 3))]);
    case 1:
      return bench.add('Sub', random.shuffled([n, near()]));
    case 2:
      return bench.add('Mul', random.shuffled([n, c(random.pick([2, 3, -1]))]));
    case 3:
      return bench.add('Div', [n, c(random.pick([2, 3, Math.max(1, Math.abs(own))]))]);
    case 4:
      return bench.opset < 12
        ? undefined
        : bench.add(random.pick(['Min', 'Max']), random.shuffled([n, near()]));
    default: {
      if (bench.opset < 11) return undefined;
      const op = random.pick(['Equal', 'Less', 'Greater']);
      const is = bench.add(op, random.shuffled([n, near()]));
      return is && bench.add('Where', [is, ...random.shuffled([c(1), c(random.integer(2, 4))])]);
    }
  }
}

/** [1], int64: such a number brought between 0 and a few. */
function countOf(bench: Workbench, x: string, most: number): string | undefined {
  const n = bench.opset < 12 ? undefined : numberOf(bench, x);
  const positive = n && bench.add('Max', [n, bench.integers([0])]);
  if (positive === undefined || bench.random.chance(0.5)) return positive;
  return bench.add('Min', [positive, bench.integers([Math.max(most, 1)])]);
}

/** A number of the network's type that is never 0. */
function factorOf(bench: Workbench, x: string): string | undefined {
  const { random } = bench;
  const n = random.chance(0.3) ? undefined : numberOf(bench, x);
  const to = { to: { i: TYPES[bench.type] } };
  let y: string | undefined;
  if (n === undefined) {
    const places = placesOf(bench, x);
    const op = random.pick(['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceL2', 'ReduceSumSquare']);
    y = places && bench.add(op, [places], { keepdims: { i: 0 } });
  } else {
    const real = bench.add('Cast', [n], to);
    const size = real && bench.add('Abs', [real]);
    y = size && bench.add('Add', [size, bench.number(random.pick([0.5, 1]))]);
  }
  if (y === undefined) return undefined;
  switch (random.integer(0, 4)) {
    case 0:
      return bench.add('Sqrt', [y]);
    case 1:
      return bench.add('Reciprocal', [y]);
    case 2:
      return bench.add('Pow', [y, bench.number(random.pick([2, 0.5, -1]))]);
    case 3:
      return bench.add('Div', random.shuffled([y, bench.number(Math.max(1, bench.numbers(y)[0]!))]));
    default:
      return y;
  }
}

/** A positive number for every sample along the last axis. */
function placesOf(bench: Workbench, x: string): string | undefined {
  const { random } = bench;
  const rank = bench.shape(x).length;
  const n = sideOf(bench, x, rank - 1);
  if (n === undefined) return undefined;
  const to = { to: { i: TYPES[bench.type] } };
  switch (random.integer(0, 3)) {
    case 0: {
      if (bench.opset < 11) return undefined;
      const scalar = bench.add('Reshape', [n, bench.initializer({ type: 'int64', dims: [0], values: [] })]);
      const number = (value: number) => bench.initializer({ type: 'int64', dims: [], values: [value] });
      const range = scalar && bench.add('Range', [number(0), scalar, number(1)]);
      const real = range && bench.add('Cast', [range], to);
      return real && bench.add('Add', [real, bench.number(1)]);
    }
    case 1:
      return bench.opset < 9
        ? undefined
        : bench.add('ConstantOfShape', [n], { value: { t: { type: bench.type, dims: [1], values: [0.5] } } });
    case 2:
      return bench.add('Expand', [bench.number(2, [1]), n]);
    default:
      return bench.add('Tile', [bench.number(1, [1]), n]);
  }
}
