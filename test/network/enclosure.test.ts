/** The enclosed product with the Jacobian: exact arithmetic must lie inside, kinks must widen it, and it must be narrow elsewhere. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { derivative, type Elementwise, valueAt } from '../../src/network/elementwise/elementwise.ts';
import { definitionOf } from '../../src/network/elementwise/table.ts';
import { elementwiseEnclosure } from '../../src/network/evaluation/elementwiseEnclosure.ts';
import { encloseDerivative } from '../../src/network/evaluation/enclosure.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';
import { PreparedNetwork } from '../../src/network/evaluation/preparedNetwork.ts';
import { ValueEnclosure } from '../../src/network/evaluation/valueEnclosure.ts';
import type { Network, TensorId } from '../../src/network/network.ts';
import type { Operator } from '../../src/network/operator.ts';
import { EXAMPLES } from '../support/elementwise.ts';
import { ANY_FUNCTION, FAMILIES } from '../support/families.ts';
import { linearise, push } from '../support/forward.ts';
import { volume } from '../support/grid.ts';
import { Random } from '../support/random.ts';
import { networkOf } from '../support/randomNetwork.ts';

const RELU: Operator = { kind: 'nonlinearity', function: { name: 'relu' } };

function affine(
  outputs: number,
  inputs: number,
  weight: readonly number[],
  bias?: readonly number[],
): Operator {
  return {
    ...{ kind: 'affine', outputs, inputs, weight: Float64Array.from(weight) },
    ...(bias && { bias: Float64Array.from(bias) }),
  };
}

function chain(inputs: number, operators: readonly Operator[]): Network {
  const builder = new NetworkBuilder('chain');
  let last: TensorId = builder.input('x', [inputs]);
  for (const operator of operators) last = builder.add('', operator, [last]);
  return builder.build(last);
}

/** n · 2^exponent, exactly. */
interface Dyadic {
  readonly n: bigint;
  readonly exponent: number;
}

function dyadic(x: number): Dyadic {
  let [mantissa, exponent] = [x, 0];
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    exponent--;
  }
  return { n: BigInt(mantissa), exponent };
}

function times(a: Dyadic, b: Dyadic): Dyadic {
  return { n: a.n * b.n, exponent: a.exponent + b.exponent };
}

function plus(a: Dyadic, b: Dyadic): Dyadic {
  const exponent = Math.min(a.exponent, b.exponent);
  const at = (x: Dyadic) => x.n << BigInt(x.exponent - exponent);
  return { n: at(a) + at(b), exponent };
}

const ZERO: Dyadic = { n: 0n, exponent: 0 };

/** f(x) and J v of affine layers and ReLUs in exact arithmetic; undefined at a kink. */
function exactProduct(
  network: Network,
  x: Float64Array,
  v: Float64Array,
): { readonly value: Dyadic[]; readonly tangent: Dyadic[] } | undefined {
  let value = Array.from(x, dyadic);
  let tangent = Array.from(v, dyadic);
  for (const { operator } of network.nodes) {
    if (operator.kind === 'affine') {
      const { inputs, outputs, weight, bias } = operator;
      const multiply = (z: Dyadic[], constant?: Float64Array) =>
        Array.from({ length: outputs }, (_, o) =>
          z.reduce(
            (sum, entry, i) => plus(sum, times(dyadic(weight[o * inputs + i]!), entry)),
            constant ? dyadic(constant[o]!) : ZERO,
          ),
        );
      [value, tangent] = [multiply(value, bias), multiply(tangent)];
    } else {
      if (value.some((z, i) => z.n === 0n && tangent[i]!.n !== 0n)) return undefined;
      tangent = tangent.map((t, i) => (value[i]!.n > 0n ? t : ZERO));
      value = value.map((z) => (z.n > 0n ? z : ZERO));
    }
  }
  return { value, tangent };
}

function liesWithin(exact: Dyadic, middle: number, radius: number): boolean {
  const difference = plus(exact, dyadic(-middle));
  const magnitude = { ...difference, n: difference.n < 0n ? -difference.n : difference.n };
  return plus(dyadic(radius), { ...magnitude, n: -magnitude.n }).n >= 0n;
}

describe('the enclosure holds exact arithmetic', () => {
  it('of perceptrons, those with cancellation and with sums that round to a kink included', () => {
    let compared = 0;
    let rounded = 0;
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 4 }), (seed, depth) => {
        const random = new Random(seed);
        const widths = Array.from({ length: depth + 1 }, () => random.integer(1, 4));
        const operators = widths.slice(1).flatMap((outputs, k) => {
          const inputs = widths[k]!;
          // Multiples of a tenth, which are not dyadic: sums of them that should vanish do not quite.
          const draw = () => random.integer(-3, 3) / 10;
          const weight = Array.from({ length: outputs * inputs }, draw);
          const bias = Array.from({ length: outputs }, () => draw() * draw());
          return [affine(outputs, inputs, weight, bias), RELU];
        });
        const network = chain(widths[0]!, operators.slice(0, -1));
        const x = Float64Array.from({ length: widths[0]! }, () => random.integer(-3, 3) / 10);
        const v = random.normals(x.length);
        const ball = encloseDerivative(network, x, v)!;
        const exact = exactProduct(network, x, v);
        if (!exact) return;
        const output = new ValueEnclosure(network).at(x)!;
        for (const [n, entry] of exact.value.entries()) {
          expect(liesWithin(entry, output.middle[n]!, output.radius[n]!)).toBe(true);
        }
        for (const [n, entry] of exact.tangent.entries()) {
          compared++;
          if (entry.n !== 0n && !liesWithin(entry, ball.middle[n]!, 0)) rounded++;
          expect(liesWithin(entry, ball.middle[n]!, ball.radius[n]!)).toBe(true);
        }
      }),
      { numRuns: 4000 },
    );
    // Otherwise nothing was shown.
    expect(rounded).toBeGreaterThan(compared / 4);
  });

  it('where rounding puts a sum on the other side of a kink', () => {
    // In exact arithmetic −1, a closed ReLU; in float64 10^16 − 1 is 10^16, and the sum 0.
    const network = chain(3, [affine(1, 3, [1e16, -1, -1e16]), RELU]);
    const [x, v] = [Float64Array.of(1, 1, 1), Float64Array.of(1, 0, 0)];
    expect(new PreparedNetwork(network).linearise(x).push(v)[0]).toBe(1e16);
    const { middle, radius } = encloseDerivative(network, x, v)!;
    expect(middle[0]! - radius[0]!).toBeLessThanOrEqual(0);
  });
});

describe('at a kink', () => {
  it('no slope is claimed that no piece has: relu(x) − relu(−x) at 0', () => {
    const network = chain(1, [affine(2, 1, [1, -1]), RELU, affine(1, 2, [1, -1])]);
    const { middle, radius } = encloseDerivative(network, Float64Array.of(0), Float64Array.of(1))!;
    expect(Math.abs(middle[0]!) - radius[0]!).toBeLessThanOrEqual(1);
    expect(Math.abs(middle[0]!) + radius[0]!).toBeGreaterThanOrEqual(1);
  });

  it('of a maximum the slopes of all its largest entries are enclosed', () => {
    const windows = [Int32Array.of(0, 1, 2)];
    const network = chain(3, [{ kind: 'max-gather', windows }]);
    const { middle, radius } = encloseDerivative(
      network,
      Float64Array.of(1, 1, 0),
      Float64Array.of(-2, 3, 50),
    )!;
    expect(middle[0]! - radius[0]!).toBeLessThanOrEqual(-2);
    expect(middle[0]! + radius[0]!).toBeGreaterThanOrEqual(3);
    expect(middle[0]! + radius[0]!).toBeLessThan(3.001);
  });

  it('nothing is claimed where numbers overflow', () => {
    const big = affine(1, 1, [1e300]);
    expect(encloseDerivative(chain(1, [big, big]), Float64Array.of(1), Float64Array.of(1))).toBeUndefined();
    expect(new ValueEnclosure(chain(1, [big, big])).at(Float64Array.of(1))).toBeUndefined();
  });
});

describe.each(Object.entries(FAMILIES))('the enclosure of %s', (_, plans) => {
  it('holds what is computed, and is narrow', () => {
    let narrow = 0;
    let narrowOutputs = 0;
    let networks = 0;
    fc.assert(
      fc.property(plans, fc.nat(), (plan, seed) => {
        const network = networkOf(plan);
        const random = new Random(seed);
        const x = random.normals(volume(network.tensors[network.input]!.shape));
        const v = random.normals(x.length);
        const ball = encloseDerivative(network, x, v);
        if (!ball) return;
        const computed = push(linearise(network, x), v);
        const norm = Math.hypot(...computed);
        const radius = Math.hypot(...ball.radius);
        expect(ball.middle).toHaveLength(computed.length);
        const output = new ValueEnclosure(network).at(x)!;
        for (const [n, value] of linearise(network, x).value.entries()) {
          expect(Math.abs(value - output.middle[n]!)).toBeLessThanOrEqual(2 * output.radius[n]! + 1e-300);
        }
        if (Math.hypot(...output.radius) <= 1e-9 * (1 + Math.hypot(...output.middle))) narrowOutputs++;
        // The other evaluation rounds as well, by no more than the analysis allows.
        for (const [n, value] of computed.entries())
          expect(Math.abs(value - ball.middle[n]!)).toBeLessThanOrEqual(2 * ball.radius[n]! + 1e-300);
        networks++;
        if (radius <= 1e-9 * norm + 1e-300) narrow++;
      }),
      { numRuns: 60 },
    );
    expect(narrow).toBeGreaterThan(0.8 * networks);
    expect(narrowOutputs).toBeGreaterThan(0.8 * networks);
  });
});

describe('elementwise functions are enclosed', () => {
  const points = fc.double({ min: -12, max: 12, noNaN: true });
  const functions: fc.Arbitrary<Elementwise> = fc.oneof(ANY_FUNCTION, fc.constantFrom(...EXAMPLES));
  const radii = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 3, noNaN: true }));

  it('values and slopes, on intervals with kinks and without', () => {
    fc.assert(
      fc.property(functions, points, radii, fc.double({ min: -1, max: 1, noNaN: true }), (f, x, r, t) => {
        const { value, valueRadius, slope, slopeRadius } = elementwiseEnclosure(f)(x, r, 0);
        const y = Math.min(x + r, Math.max(x - r, x + t * r));
        expect(Math.abs(valueAt(f, y, 0) - value)).toBeLessThanOrEqual(valueRadius * (1 + 1e-12) + 1e-14);
        expect(Math.abs(derivative(f, y, 0) - slope)).toBeLessThanOrEqual(slopeRadius * (1 + 1e-12) + 1e-14);
      }),
      { numRuns: 20_000 },
    );
  });

  it('by a curvature that no stretch between kinks exceeds', () => {
    fc.assert(
      fc.property(functions, fc.double({ min: 0, max: 0.01, noNaN: true }), (f, offset) => {
        const definition = definitionOf(f);
        const most = definition.curvature(f);
        const corners = definition.kinks(f);
        let steepest = 0;
        for (let x = offset - 8; x < 8; x += 0.01) {
          if (corners.some((corner) => Math.abs(x - corner) < 0.011)) continue;
          const change = Math.abs(derivative(f, x + 0.01, 0) - derivative(f, x, 0));
          steepest = Math.max(steepest, change);
        }
        expect(steepest).toBeLessThanOrEqual(0.01 * most * (1 + 1e-9) + 1e-13);
      }),
      { numRuns: 400 },
    );
  });
});

it('values of a function with a slope for every entry of an image are near those of its entries', () => {
  const builder = new NetworkBuilder('entries');
  const slopes = Float64Array.of(1, -1, 0, 1);
  const x = builder.input('x', [2, 2]);
  const network = builder.build(
    builder.add('', { kind: 'nonlinearity', function: { name: 'prelu', slopes } }, [x]),
  );
  const at = Float64Array.of(-1, -2, -3, -4);
  expect([...new ValueEnclosure(network).at(at)!.middle]).toEqual([-1, 2, -0, -4]);
  expect([...evaluate(network, at)]).toEqual([-1, 2, -0, -4]);
});
