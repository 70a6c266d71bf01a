/** The moving centre: its constraints hold, its proof is what the dense dual says, it gains, and no point of a region beats it. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRegionProver } from '../../src/certify/proofs/regionProver.ts';
import { provenTerms } from '../../src/ellipsoid/region/centre/lastPass.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Elementwise } from '../../src/network/elementwise/elementwise.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';
import { product } from '../../src/network/size.ts';
import { leastOf, startsIn } from '../support/ball.ts';
import { affine, convolution, flatten, maxPool, nonlinearity, plans, residual } from '../support/families.ts';
import { Random } from '../support/random.ts';
import { networkOf } from '../support/randomNetwork.ts';
import { patience, runs } from '../support/runs.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

const RELU = fc.constant<Elementwise>({ name: 'relu' });

/** What the constraints of one neuron sum to at y, and the sum of moduli. */
function constraintAt(anchor: number, low: number, high: number, d: number, q: number, m: number, y: number) {
  const of = (values: readonly number[]) => Float64Array.from(values);
  const sectors = { middle: of([m]), uncertain: Int32Array.of(0), multipliers: of([d]), spread: of([q]) };
  const terms = provenTerms(of([anchor]), { low: of([low]), high: of([high]) }, sectors);
  if (!terms) return undefined;
  const dy = y - anchor;
  const dphi = Math.max(y, 0) - Math.max(anchor, 0);
  const parts = [
    terms.level,
    (dy * dy) / d,
    -((dphi - m * dy) ** 2) / q,
    2 * terms.output[0]! * dphi,
    2 * terms.input[0]! * dy,
  ];
  return { value: parts.reduce((a, b) => a + b, 0), size: parts.reduce((a, b) => a + Math.abs(b), 0) };
}

describe('the constraints of a neuron', () => {
  const magnitude = fc.integer({ min: -40, max: 4 }).map((e) => 2 ** e);
  it('hold on its range, for any D, e² D and m', () => {
    fc.assert(
      fc.property(
        magnitude,
        magnitude,
        fc.double({ min: 0, max: 1, noNaN: true }),
        magnitude,
        magnitude,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (below, above, where, d, ratio, m, share) => {
          const [low, high] = [-below, above];
          const anchor = low + where * (high - low);
          const y = low + share * (high - low);
          for (const at of [low, 0, high, anchor, y]) {
            const found = constraintAt(anchor, low, high, d, d * ratio, m, at)!;
            expect(found.value).toBeGreaterThanOrEqual(-1e-13 * found.size);
          }
        },
      ),
      { numRuns: runs(600) },
    );
  });

  it('are tight at 0 and an end of the range', () => {
    // m and e of the anchored secant: nothing is given away at the anchor, at 0, or on the anchor's side.
    const [anchor, low, high] = [1, -0.5, 2];
    const slope = anchor / (anchor - low);
    const m = (1 + slope) / 2;
    const e = (1 - slope) / 2;
    for (const y of [low, anchor, high]) {
      const { value, size } = constraintAt(anchor, low, high, 3, 3 * e * e, m, y)!;
      expect(Math.abs(value)).toBeLessThanOrEqual(1e-12 * (1 + size));
    }
  });

  it('are none where e² is not positive', () => {
    for (const q of [0, -1e-20, Number.NaN, Infinity]) {
      expect(constraintAt(1, -1, 2, 1, q, 0.5, 0)).toBeUndefined();
    }
  });
});

const FAMILIES = {
  perceptrons: plans({
    axes: 0,
    layers: fc.array(fc.oneof(affine, nonlinearity(RELU)), { minLength: 4, maxLength: 8 }),
  }),
  'residual perceptrons': plans({
    axes: 0,
    layers: fc.array(fc.oneof(residual(RELU), affine, nonlinearity(RELU)), { minLength: 2, maxLength: 4 }),
  }),
  'convolutions and maxima': plans({
    axes: 2,
    sides: [3, 4],
    layers: fc
      .array(fc.oneof(convolution, nonlinearity(RELU), maxPool), { minLength: 2, maxLength: 4 })
      .chain((layers) => fc.tuple(flatten, affine).map((end) => [...layers, ...end])),
  }),
};

describe('one input', () => {
  /** f = (0, 10 relu(x − 1) − 1): a neuron that is off at 0, and on from 1. */
  const off = () => {
    const builder = new NetworkBuilder('off');
    const of = (...values: number[]) => Float64Array.from(values);
    const x = builder.input('x', [1]);
    const y = builder.add('', { kind: 'affine', outputs: 1, inputs: 1, weight: of(1), bias: of(-1) }, [x]);
    const phi = builder.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [y]);
    const output = { kind: 'affine', outputs: 2, inputs: 1, weight: of(0, 10), bias: of(0, -1) } as const;
    return builder.build(builder.add('', output, [phi]));
  };

  it('is proven up to where another class begins, and no further', async () => {
    const prover = await createRegionProver(off(), { engine });
    for (const [radius, certified] of [
      [0.9, true],
      [1.09, true],
      [1.11, false],
      [1.3, false],
    ] as const) {
      for (const evaluations of [0, 20]) {
        const [answer] = await prover.prove([{ centre: Float64Array.of(0), label: 0, radius }], {
          evaluations,
        });
        // With one neuron linear forms are exact.
        expect(answer!.certified).toBe(certified);
        expect(answer!.margins[1]!).toBeLessThanOrEqual(1 - 10 * Math.max(0, radius - 1) + 1e-12);
      }
    }
  });

  it('keeps margins on a grid', async () => {
    await fc.assert(
      fc.asyncProperty(
        FAMILIES.perceptrons,
        fc.constantFrom(0.1, 0.5, 1, 2),
        fc.integer({ min: 0, max: 2 ** 31 - 1 }),
        async (plan, radius, seed) => {
          const network = networkOf({ ...plan, channels: 1, biases: true, end: 'none' });
          const centre = Float64Array.of(new Random(seed).normal());
          const values = evaluate(network, centre);
          const label = values.indexOf(Math.max(...values));
          const prover = await createRegionProver(network, { engine });
          const [answer] = await prover.prove([{ centre, label, radius }], { evaluations: 10 });
          const least = values.map(() => Infinity);
          for (let k = -100; k <= 100; k++) {
            const here = evaluate(
              network,
              centre.map((x) => x + (radius * k) / 100),
            );
            for (let j = 0; j < least.length; j++) least[j] = Math.min(least[j]!, here[label]! - here[j]!);
          }
          const size = 1 + Math.max(...values.map(Math.abs));
          for (let j = 0; j < least.length; j++) {
            if (j !== label) expect(answer!.margins[j]!).toBeLessThanOrEqual(least[j]! + 1e-9 * size);
          }
        },
      ),
      { numRuns: runs(30) },
    );
  });
});

describe.each(Object.entries(FAMILIES))('%s', (_, family) => {
  it('keep margins that the centre has moved for', { timeout: patience() }, async () => {
    await fc.assert(
      fc.asyncProperty(
        family,
        fc.constantFrom(0.05, 0.3, 1, 3),
        fc.integer({ min: 0, max: 2 ** 31 - 1 }),
        async (plan, radius, seed) => {
          const network = networkOf({ ...plan, end: 'none' });
          const random = new Random(seed);
          const centre = random.normals(product(network.tensors[network.input]!.shape));
          const values = evaluate(network, centre);
          const prover = await createRegionProver(network, { engine });
          const label = values.indexOf(Math.max(...values));
          const limits = random.uniform() < 0.4 ? { low: -2.5, high: 2.5 } : undefined;
          const question = {
            centre: centre.map((v) => Math.min(2.5, Math.max(-2.5, v))),
            label,
            radius,
            ...(limits && { limits }),
          };
          const [closed] = await prover.prove([question], { evaluations: 0 });
          const [moved] = await prover.prove([question], { evaluations: 15 });
          const ball = { centre: question.centre, radius, ...(limits && { limits }) };
          const starts = startsIn(ball, random, 6);
          const size = 1 + Math.max(...values.map(Math.abs));
          for (let j = 0; j < values.length; j++) {
            if (j === label) continue;
            expect(moved!.margins[j]!).toBeGreaterThanOrEqual(closed!.margins[j]!);
            const weights = new Float64Array(values.length);
            [weights[label], weights[j]] = [1, -1];
            const least = leastOf(network, weights, ball, starts, 12);
            expect(moved!.margins[j]!).toBeLessThanOrEqual(least.value + 1e-9 * size);
          }
        },
      ),
      { numRuns: runs(12) },
    );
  });
});
