/** The attack: it finds what is known to be there, where it says, and nothing that another evaluation does not see. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Attack } from '../../src/certify/attack/attack.ts';
import { distanceAbove, project } from '../../src/certify/attack/ball.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import { inDouble } from '../../src/network/numbers.ts';
import { linearise } from '../support/forward.ts';
import { Random } from '../support/random.ts';

/** Affine layers with ReLUs between them, `widths` from the input to the logits. */
function perceptron(widths: readonly number[], random: Random): Network {
  const b = new NetworkBuilder('perceptron');
  let last = b.input('x', [widths[0]!]);
  for (const [k, outputs] of widths.slice(1).entries()) {
    const inputs = widths[k]!;
    const weight = random.normals(outputs * inputs, 1 / Math.sqrt(inputs));
    if (k > 0) last = b.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [last]);
    last = b.add('', { kind: 'affine', outputs, inputs, weight, bias: random.normals(outputs, 0.3) }, [last]);
  }
  return b.build(last);
}

const largest = (values: Float64Array) => values.indexOf(Math.max(...values));
const EFFORT = { starts: 4, steps: 30 };

describe('on a linear network', () => {
  it('finds the nearest counterexample, whose distance is known, and none within less', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.integer({ min: 2, max: 5 }),
        fc.integer({ min: 2, max: 8 }),
        async (seed, outputs, inputs) => {
          const random = new Random(seed);
          const network = perceptron([inputs, outputs], random);
          const operator = network.nodes[0]!.operator;
          if (operator.kind !== 'affine') throw new Error('not affine');
          const weight = inDouble(operator.weight);
          const x = random.normals(inputs);
          const value = linearise(network, x).value;
          const label = largest(value);
          const row = (i: number) => weight.subarray(i * inputs, (i + 1) * inputs);
          const exact = Math.min(
            ...Array.from(value, (v, j) =>
              j === label
                ? Infinity
                : (value[label]! - v) / Math.hypot(...row(label).map((w, n) => w - row(j)[n]!)),
            ),
          );
          const attack = new Attack(network, undefined, 0);
          const found = (await attack.nearest(x, label, EFFORT))!;
          expect(found.distance).toBeGreaterThanOrEqual(exact * (1 - 1e-9));
          expect(found.distance).toBeLessThan(exact * 1.06 + 1e-6);
          expect(await attack.within(x, label, exact * 0.999, EFFORT)).toBeUndefined();
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('on networks with ReLUs', () => {
  it('is right about every point that it gives, and keeps radius and limits', async () => {
    let found = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.double({ min: 0.05, max: 2, noNaN: true }),
        fc.boolean(),
        async (seed, radius, limited) => {
          const random = new Random(seed);
          const network = perceptron([4, 8, 8, 3], random);
          const x = Float64Array.from({ length: 4 }, () => random.uniform());
          const label = largest(linearise(network, x).value);
          const limits = { low: Float64Array.of(0, 0, -1, 0), high: 1 };
          const attack = new Attack(network, limited ? limits : undefined, 1);
          const counterexample = await attack.within(x, label, radius, EFFORT);
          if (!counterexample) return;
          found++;
          const { point, distance } = counterexample;
          const { value } = linearise(network, point);
          expect(Math.max(...value.filter((_, j) => j !== label))).toBeGreaterThanOrEqual(value[label]!);
          expect(distance).toBeLessThanOrEqual(radius);
          expect(Math.hypot(...point.map((p, n) => p - x[n]!))).toBeLessThanOrEqual(distance);
          if (!limited) return;
          for (const [n, p] of point.entries()) {
            expect(p).toBeGreaterThanOrEqual(limits.low[n]!);
            expect(p).toBeLessThanOrEqual(limits.high);
          }
        },
      ),
      { numRuns: 150 },
    );
    expect(found).toBeGreaterThan(30);
  });

  it('comes near to the nearest counterexample of a fine grid', async () => {
    const random = new Random(3);
    for (let k = 0; k < 5; k++) {
      const network = perceptron([2, 8, 8, 3], random);
      const x = random.normals(2, 0.5);
      const label = largest(linearise(network, x).value);
      let nearest = Infinity;
      for (let a = -75; a <= 75; a++) {
        for (let b = -75; b <= 75; b++) {
          const distance = Math.hypot(a, b) / 25;
          if (distance >= nearest) continue;
          const point = Float64Array.of(x[0]! + a / 25, x[1]! + b / 25);
          if (largest(linearise(network, point).value) !== label) nearest = distance;
        }
      }
      const found = await new Attack(network, undefined, 0).nearest(x, label, EFFORT);
      if (nearest === Infinity) continue;
      expect(found!.distance).toBeLessThan(nearest * 1.05 + 0.04);
    }
  });

  it('gives up where there is nothing to follow', async () => {
    const b = new NetworkBuilder('constant');
    const x = b.input('x', [2]);
    const y = b.add(
      '',
      { kind: 'affine', outputs: 2, inputs: 2, weight: new Float64Array(4), bias: Float64Array.of(1, 0) },
      [x],
    );
    const attack = new Attack(b.build(y), undefined, 0);
    expect(await attack.nearest(new Float64Array(2), 0, EFFORT)).toBeUndefined();
    expect(await attack.within(new Float64Array(2), 0, 1, EFFORT)).toBeUndefined();
  });

  it('ends where the centre itself is a counterexample', async () => {
    const network = perceptron([2, 3], new Random(5));
    const x = new Float64Array(2);
    const wrong = (largest(linearise(network, x).value) + 1) % 3;
    const found = await new Attack(network, undefined, 0).nearest(x, wrong, EFFORT);
    expect(found!.distance).toBeLessThan(1e-6);
  });

  it('ends at its time, and at once where it is cancelled', async () => {
    const network = perceptron([50, 200, 200, 3], new Random(6));
    const x = new Float64Array(50);
    const label = largest(linearise(network, x).value);
    const attack = new Attack(network, undefined, 0);
    const endless = { starts: 1e6, steps: 1e6 };
    const start = performance.now();
    expect(await attack.within(x, label, 1e-6, endless, { end: start + 100 })).toBeUndefined();
    expect(await attack.nearest(x, label, endless, { end: start })).toBeUndefined();
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('enough')), 50);
    const until = { end: Infinity, signal: stop.signal };
    await expect(attack.within(x, label, 1e-6, endless, until)).rejects.toThrow('enough');
  });

  it('looks around a centre that rounding has put outside of the limits', async () => {
    const b = new NetworkBuilder('edge');
    const weight = Float64Array.of(1, 0, 0, 1);
    const y = b.add('', { kind: 'affine', outputs: 2, inputs: 2, weight, bias: new Float64Array(2) }, [
      b.input('x', [2]),
    ]);
    const centre = Float64Array.of(1 + 2 ** -52, 0.5);
    const found = await new Attack(b.build(y), { low: 0, high: 1 }, 0).nearest(centre, 0, EFFORT);
    for (const value of found!.point) expect(value).toBeLessThanOrEqual(centre[0]!);
    expect(found!.distance).toBeLessThan(0.36);
  });

  it('takes no tie for a counterexample that rounding may have made', () => {
    const b = new NetworkBuilder('tie');
    const x = b.input('x', [1]);
    const y = b.add(
      '',
      {
        kind: 'affine',
        outputs: 2,
        inputs: 1,
        weight: Float64Array.of(0.1, 0.1 + 1e-12),
        bias: Float64Array.of(0, 0),
      },
      [x],
    );
    const attack = new Attack(b.build(y), undefined, 0);
    expect(attack.breaks(Float64Array.of(0), 0)).toBe(false);
    expect(attack.breaks(Float64Array.of(0.3), 0)).toBe(true);
    expect(attack.breaks(Float64Array.of(-0.3), 0)).toBe(false);
  });
});

describe('points of a ball', () => {
  it('lie in it and keep limits that the centre keeps, and distances are not below the truth', () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 1e-3, max: 10, noNaN: true }), (seed, radius) => {
        const random = new Random(seed);
        const centre = Float64Array.from({ length: 6 }, () => random.uniform());
        const x = random.normals(6, 5);
        const limits = { low: 0, high: Float64Array.of(1, 1, 1, 2, 2, 2) };
        project(x, centre, radius, limits);
        expect(Math.hypot(...x.map((v, n) => v - centre[n]!))).toBeLessThanOrEqual(radius);
        expect(distanceAbove(x, centre)).toBeLessThanOrEqual(radius);
        expect(distanceAbove(x, centre)).toBeGreaterThanOrEqual(
          Math.hypot(...x.map((v, n) => v - centre[n]!)) * (1 - 1e-15),
        );
        for (const [n, v] of x.entries()) expect(v >= 0 && v <= limits.high[n]!).toBe(true);
      }),
    );
  });
});

describe('several at a time', () => {
  it('finds for each what it finds alone', async () => {
    const random = new Random(91);
    const network = perceptron([6, 12, 4], random);
    const attack = new Attack(network, undefined, 0);
    const questions = Array.from({ length: 30 }, (_, n) => {
      const centre = random.normals(6);
      return { centre, label: largest(linearise(network, centre).value), radius: 0.1 * (1 + (n % 8)) };
    });
    const together = await attack.withinAll(questions, EFFORT);
    let count = 0;
    for (const [n, { centre, label, radius }] of questions.entries()) {
      const alone = await attack.within(centre, label, radius, EFFORT);
      expect(together[n] !== undefined).toBe(alone !== undefined);
      if (!together[n]) continue;
      count++;
      expect(together[n].distance).toBeLessThanOrEqual(radius);
      expect(attack.breaks(together[n].point, label)).toBe(true);
    }
    // Neither all nor none.
    expect(count).toBeGreaterThan(3);
    expect(count).toBeLessThan(27);
  });
});
