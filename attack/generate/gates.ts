/** Gated activations written out as exporters do. */
import type { Layer, Workbench } from './workbench.ts';

/** x · g(x) in several nodes. Constants are now and then off by a little: such a network is another one, with another bound. */
export const gate: Layer = (bench, x) => {
  const { random } = bench;
  // Near what float32 tells apart, where readers are tempted to take one number for another.
  const beside = () =>
    random.chance(0.5) ? 1 + random.pick([1, -1]) * 2 ** -random.integer(18, 26) * 0.99 : 1;
  const [off, drift] = [beside(), beside()];
  switch (random.integer(0, 5)) {
    case 0:
      return times(bench, x, bench.add('Sigmoid', [x]));
    case 1:
      return times(bench, x, then(bench, bench.add('Mul', [x, bench.number(1.702 * off)]), 'Sigmoid'));
    case 2: {
      const alpha = Math.fround((1 / 6) * off);
      return times(bench, x, bench.add('HardSigmoid', [x], { alpha: { f: alpha }, beta: { f: 0.5 } }));
    }
    case 3: {
      if (bench.opset < 11) return undefined;
      const shifted = bench.add('Add', [x, bench.number(3)]);
      const clipped = shifted && bench.add('Clip', [shifted, bench.number(0), bench.number(6)]);
      const product = times(bench, x, clipped);
      return product && bench.add('Div', [product, bench.number(6 * off)]);
    }
    case 4: {
      if (bench.opset < 9) return undefined;
      const inner = bench.add('Div', [x, bench.number(Math.SQRT2 * off)]);
      const erf = then(bench, inner, 'Erf');
      const sum = erf && bench.add('Add', [erf, bench.number(1)]);
      const product = times(bench, x, sum);
      return product && bench.add('Mul', [product, bench.number(0.5)]);
    }
    default: {
      const cube = bench.add('Pow', [x, bench.number(3)]);
      const small = cube && bench.add('Mul', [cube, bench.number(0.044715 * drift)]);
      const sum = small && bench.add('Add', [x, small]);
      const inner = sum && bench.add('Mul', [sum, bench.number(Math.sqrt(2 / Math.PI) * off)]);
      const tanh = then(bench, inner, 'Tanh');
      const raised = tanh && bench.add('Add', [tanh, bench.number(1)]);
      const product = times(bench, x, raised);
      return product && bench.add('Mul', [product, bench.number(0.5)]);
    }
  }
};

function then(bench: Workbench, x: string | undefined, op: string): string | undefined {
  return x === undefined ? undefined : bench.add(op, [x]);
}

function times(bench: Workbench, x: string, y: string | undefined): string | undefined {
  return y === undefined ? undefined : bench.add('Mul', bench.random.shuffled([x, y]));
}
