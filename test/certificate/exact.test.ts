/** The checker against the recursion in rational numbers, which knows no rounding. */
import { describe, expect, it } from 'vitest';
import { check } from '../../src/certificate/checker/check.ts';
import { type Layer, planOf } from '../../src/certificate/checker/plan.ts';
import { after } from '../../src/certificate/checker/recursion.ts';
import { Refusal } from '../../src/certificate/checker/refusal.ts';
import { signalsOf } from '../../src/certificate/reading/signalsOf.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { linearMatrix } from '../../src/network/matrix.ts';
import type { Network, TensorId } from '../../src/network/network.ts';
import type { Affine, Convolution, Operator } from '../../src/network/operator.ts';
import { Random } from '../support/random.ts';
import { runs } from '../support/runs.ts';
import {
  identity,
  inverseOfPositive,
  isBelow,
  type Matrix,
  matrixOf,
  Rational,
  throughSector,
  times,
  transpose,
} from './rational.ts';

const SLOPES = [
  { operator: { kind: 'nonlinearity', function: { name: 'relu' } }, low: 0, high: 1 },
  { operator: { kind: 'nonlinearity', function: { name: 'leaky-relu', slope: 0.25 } }, low: 0.25, high: 1 },
  { operator: { kind: 'nonlinearity', function: { name: 'leaky-relu', slope: 0.01 } }, low: 0.01, high: 1 },
  { operator: { kind: 'nonlinearity', function: { name: 'abs' } }, low: -1, high: 1 },
] as const satisfies readonly { operator: Operator; low: number; high: number }[];

interface Case {
  readonly network: Network;
  readonly tori: readonly (readonly number[])[];
  readonly layers: readonly Layer[];
  /** Σ_out, exactly. */
  readonly covariance: Matrix;
}

/** `significant` bits keep the rational numbers short. */
function rounded(x: number, bits: number): number {
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(x))) - bits);
  return Math.round(x / unit) * unit;
}

/**
 * A random network of linear operators and nonlinearities with multipliers `margin` (relative) above the row sums of S, or as
 * near to S as that is in the first row.
 * @param side samples of a circular signal; 0 for vectors
 * @param bits of weights; with more than 4 there is one linear operator alone, whose rounding nothing else could cover
 */
function randomCase(random: Random, side: number, margin: number, scale: number, bits = 4): Case {
  // Near the boundary a second layer's rational numbers have thousands of digits.
  const depth = bits > 4 ? 0 : random.integer(1, side === 0 && margin > 2 ** -10 ? 2 : 1);
  let channels = bits > 4 ? random.integer(20, 40) : random.integer(1, side === 0 ? 3 : 2);
  const builder = new NetworkBuilder('exact');
  let last: TensorId = builder.input('x', side === 0 ? [channels] : [channels, side]);
  let covariance = identity(channels * Math.max(1, side));
  const layers: Layer[] = [];
  for (let k = 0; k <= depth; k++) {
    const outputs = bits > 4 ? 6 : random.integer(1, side === 0 ? 3 : 2);
    const entry = () => (random.integer(0, 5) === 0 ? 0 : rounded(scale * random.normal(), bits));
    const operator = side === 0 ? dense(outputs, channels, entry) : circular(outputs, channels, side, entry);
    const shape = side === 0 ? [channels] : [channels, side];
    last = builder.add(`linear_${k}`, operator, [last]);
    const { rows, columns, data } = linearMatrix(operator, shape);
    const w = matrixOf(rows, columns, data);
    const s = times(times(w, covariance), transpose(w));
    channels = outputs;
    covariance = s;
    if (k === depth) break;
    const { operator: phi, low, high } = SLOPES[random.integer(0, SLOPES.length - 1)]!;
    last = builder.add(`phi_${k}`, phi, [last]);
    const positions = Math.max(1, side);
    const sums = s.map((row) => row.reduce((sum, x) => sum + Math.abs(x.toNumber()), 0));
    const largest = Math.max(...sums, scale ** (2 * k + 2));
    const values = Float64Array.from({ length: channels }, (_, c) => {
      const own = Math.max(...sums.slice(c * positions, (c + 1) * positions), largest * 2 ** -30);
      return rounded(own, margin < 2 ** -10 ? 44 : 8) * (1 + margin);
    });
    const d = s.map((_, i) => Rational.of(values[Math.floor(i / positions)]!));
    const next = throughSector(s, d, Rational.of(low), Rational.of(high));
    if (!next) throw new Error('the multipliers of a case must dominate S');
    covariance = next;
    layers.push({
      name: `phi_${k}`,
      role: 'nonlinearity',
      period: side === 0 ? [] : [1],
      exponent: 0,
      values,
    });
  }
  return { network: builder.build(last), tori: [side === 0 ? [] : [side]], layers, covariance };
}

function dense(outputs: number, inputs: number, entry: () => number): Affine {
  return {
    kind: 'affine',
    outputs,
    inputs,
    weight: Float64Array.from({ length: outputs * inputs }, entry),
  };
}

function circular(outputs: number, inputs: number, side: number, entry: () => number): Convolution {
  const kernel = Math.min(3, side);
  return {
    kind: 'convolution',
    ...{ outputs, inputs, groups: 1, kernel: [kernel], stride: [1], dilation: [1] },
    padding: { mode: 'circular', before: [kernel - 1], after: [0] },
    weight: Float64Array.from({ length: outputs * inputs * kernel }, entry),
  };
}

const plus = (a: Matrix, b: Matrix) => a.map((row, i) => row.map((x, j) => x.plus(b[i]![j]!)));

/** The squared bound that the checker proves, exactly as it says it. */
async function proven({ network, tori, layers }: Case): Promise<Rational> {
  const { mantissa, exponent } = (
    await check(network, { unrolledFrom: null, tori, layers, reach: null }, async () => {})
  ).bound;
  const power = new Rational(2n ** BigInt(Math.max(0, exponent)), 2n ** BigInt(Math.max(0, -exponent)));
  const bound = Rational.of(mantissa).times(power);
  return bound.times(bound);
}

describe.each([
  { what: 'vectors', side: 0, count: 250 },
  { what: 'circular signals of 2', side: 2, count: 40 },
  { what: 'circular signals of 3', side: 3, count: 40 },
])('bounds of $what', ({ side, count }) => {
  it.each([
    { name: 'multipliers far from S', margin: 0.25, scale: 1, above: 1e-9 },
    { name: 'multipliers near the boundary', margin: 2 ** -30, scale: 1, above: 1e-2 },
    { name: 'tiny weights', margin: 0.25, scale: 2 ** -100, above: 1e-9 },
    { name: 'huge weights', margin: 0.25, scale: 2 ** 100, above: 1e-9 },
  ])('are above the exact recursion and near it: $name', async ({ margin, scale, above }) => {
    const random = new Random(side + Math.round(1 / margin) + Math.round(Math.log2(scale)));
    let near = 0;
    const wanted = runs(count);
    for (let k = 0; k < wanted; k++) {
      const given = randomCase(random, side, margin, scale);
      const square = await proven(given);
      expect(isBelow(given.covariance, square), `case ${k}`).toBe(true);
      const lower = square.times(Rational.of(1 - 2 * above));
      if (!isBelow(given.covariance, lower)) near++;
    }
    // Rows that are zero have a bound above 0.
    expect(near).toBeGreaterThanOrEqual(0.9 * wanted);
  });
});

describe('covariances', () => {
  it.each([
    { name: 'multipliers far from S', margin: 0.25, scale: 1, bits: 4 },
    { name: 'multipliers near the boundary', margin: 2 ** -30, scale: 1, bits: 4 },
    { name: 'tiny weights', margin: 0.25, scale: 2 ** -60, bits: 4 },
    { name: 'one linear operator', margin: 0.25, scale: 1, bits: 50 },
  ])(
    'dominate the exact ones, not by the slack of the last eigenvalue alone: $name',
    async ({ margin, scale, bits }) => {
      const random = new Random(77);
      for (let k = 0; k < runs(250); k++) {
        const { network, tori, layers, covariance } = randomCase(random, 0, margin, scale, bits);
        const [segment] = planOf(signalsOf(network, null), tori, layers, null, 0);
        const { steps, scale: exponents } = segment!;
        const { rows, data } = await after(segment!, steps.length - 1, [], async () => {});
        const unit = (e: number) => new Rational(2n ** BigInt(Math.max(0, e)), 2n ** BigInt(Math.max(0, -e)));
        const excess = matrixOf(rows, rows, data).map((row, i) =>
          row.map((x, j) => x.times(unit(exponents[i]! + exponents[j]!)).minus(covariance[i]![j]!)),
        );
        expect(inverseOfPositive(excess), `case ${k}`).not.toBeNull();
      }
    },
  );
});

describe('states of two signals', () => {
  it.each([
    { name: 'z = x + B φ(x)', direct: true },
    { name: 'z = x + B φ(C x)', direct: false },
  ])('dominate the exact ones: $name', async ({ direct }) => {
    const random = new Random(78);
    const entry = () => rounded(random.normal(), 4);
    for (let k = 0; k < runs(100); k++) {
      const n = random.integer(1, 3);
      const [b, c] = [dense(n, n, entry), dense(n, n, entry)];
      const { operator: phi, low, high } = SLOPES[random.integer(0, SLOPES.length - 1)]!;
      const builder = new NetworkBuilder('residual');
      const x = builder.input('x', [n]);
      const y = builder.add('phi', phi, [direct ? x : builder.add('inner', c, [x])]);
      const branch = builder.add('outer', b, [y]);
      const network = builder.build(builder.add('sum', { kind: 'add', coefficients: [1, 1] }, [x, branch]));

      const inner = direct ? identity(n) : matrixOf(n, n, c.weight);
      const s = times(inner, transpose(inner));
      const values = Float64Array.from(s, (row) => {
        const sum = row.reduce((most, entry) => most + Math.abs(entry.toNumber()), 0);
        return rounded(sum + 2 ** -10, 8) * 1.25;
      });
      const d = [...values].map(Rational.of);
      const r = inverseOfPositive(
        s.map((row, i) => row.map((entry, j) => (i === j ? d[i]! : Rational.of(0)).minus(entry))),
      )!;
      // Σ_xx = I + Cᵀ R C, Σ_xφ = m Cᵀ R D.
      const middle = Rational.of(low).plus(Rational.of(high)).over(Rational.of(2));
      const kept = plus(identity(n), times(times(transpose(inner), r), inner));
      const across = times(transpose(inner), r).map((row) => row.map((e, j) => e.times(d[j]!).times(middle)));
      const result = throughSector(s, d, Rational.of(low), Rational.of(high))!;
      const outer = matrixOf(n, n, b.weight);
      const mixed = times(across, transpose(outer));
      const image = times(times(outer, result), transpose(outer));
      const covariance = plus(plus(kept, image), plus(mixed, transpose(mixed)));

      const role = 'nonlinearity' as const;
      const layers = [{ name: 'phi', role, period: [], exponent: 0, values }];
      const square = await proven({ network, tori: [[]], layers, covariance });
      expect(isBelow(covariance, square), `case ${k}`).toBe(true);
      expect(isBelow(covariance, square.times(Rational.of(1 - 2e-9))), `case ${k}`).toBe(false);
    }
  });
});

describe('multipliers that do not dominate S', () => {
  it.each([1e-3, 1e-9, 2 ** -45])('are refused, %s below it', async (gap) => {
    const builder = new NetworkBuilder('refused');
    const x = builder.input('x', [2]);
    const y = builder.add(
      'linear',
      dense(2, 2, () => 1),
      [x],
    );
    const network = builder.build(builder.add('phi', SLOPES[0].operator, [y]));
    // S = [[2, 2], [2, 2]] has the eigenvalue 4.
    const layers = (d: number): Layer[] => [
      { name: 'phi', role: 'nonlinearity', period: [], exponent: 0, values: Float64Array.of(d, d) },
    ];
    const run = (d: number) =>
      check(network, { unrolledFrom: null, tori: [[]], layers: layers(d), reach: null }, async () => {});
    await expect(run(4 * (1 - gap))).rejects.toThrow(Refusal);
    await expect(run(4)).rejects.toThrow(/do not dominate/);
    await expect(run(4 * (1 + 1e-9))).resolves.toBeDefined();
  });
});
