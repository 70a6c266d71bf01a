/** A symbol whose core is kept apart is the symbol, and what is known of its rounding is the same, in every digit. */
import { afterAll, describe, expect, it } from 'vitest';
import { resNet18, resNet50, wideResNet28x10 } from '../../bench/networks.ts';
import { Rounding } from '../../src/ellipsoid/rounding/rounding.ts';
import { type StepTaps, symbolOf, tapNumbers, tapsOf } from '../../src/ellipsoid/rules/affine.ts';
import { symbolError } from '../../src/ellipsoid/rules/affineAbove.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import { compile } from '../../src/program/compile.ts';
import { gridSides, type Program } from '../../src/program/program.ts';
import { halfTorus, slice } from '../../src/spectrum/frequencies.ts';
import { oracleEngine } from '../engine/oracle/engine.ts';
import { networks } from './adjointNetworks.ts';

const programs: readonly (readonly [string, Program])[] = Object.entries({
  ...Object.fromEntries(Object.entries(networks).map(([name, make]) => [name, make()])),
  'ResNet-18': resNet18({ side: 64, divisor: 32 }),
  'ResNet-50': resNet50({ side: 64, divisor: 32 }),
  'WideResNet-28-10': wideResNet28x10({ divisor: 80 }),
}).map(([name, network]) => [name, compile(simplify(network))]);

const engine = oracleEngine();
const rounding = new Rounding(engine.information, 8);
afterAll(() => engine.close());

/** Symbols at a few frequencies, and the moduli that their errors are relative to. */
async function computed(taps: StepTaps, torus: readonly number[]) {
  const half = halfTorus(torus);
  const frequencies = slice(half, 0, Math.min(half.count, 3));
  const size = taps.rows * taps.columns;
  const uploaded = engine.matrices(tapNumbers(engine, taps), 1, taps.taps.length, size, false);
  const symbol = symbolOf(engine, taps, uploaded, frequencies);
  const { moduli, gamma, vanishes } = symbolError(engine, rounding, taps, true);
  const { rows, columns } = symbol;
  const [entries, errors] = await engine.read(symbol, moduli!);
  engine.release(symbol, uploaded, moduli!);
  // −0 and 0 are one.
  const plain = (list: Float64Array) => [...list].map((x) => x + 0);
  const { exponent, taps: places } = taps;
  return {
    entries: plain(entries!),
    errors: plain(errors!),
    rows,
    columns,
    gamma,
    vanishes,
    exponent,
    places,
  };
}

describe('the core of a symbol', () => {
  const apart: Record<string, number> = {};

  it.each(programs)('%s: is all that is not copied', async (name, { segments }) => {
    apart[name] = 0;
    for (const segment of segments) {
      for (const [k, step] of segment.steps.entries()) {
        if (segment.axes === 0 || (step.kind !== 'linear' && step.kind !== 'read')) continue;
        const taps = tapsOf(step, segment.axes, 0);
        if (!taps.frame) continue;
        apart[name]!++;
        expect(2 * taps.rows * taps.columns).toBeLessThanOrEqual(taps.frame.rows * taps.frame.columns);
        const whole = tapsOf(step, segment.axes, Infinity);
        expect(whole.frame).toBeUndefined();
        const torus = gridSides(segment, k);
        const [one, other] = [await computed(taps, torus), await computed(whole, torus)];
        expect(one.entries.some((x) => x !== 0)).toBe(true);
        expect(one).toEqual(other);
      }
    }
  });

  it('is apart beside skip connections', () => {
    expect(apart['ResNet-18']).toBeGreaterThanOrEqual(8);
    expect(apart['ResNet-50']).toBeGreaterThanOrEqual(40);
    expect(apart['WideResNet-28-10']).toBeGreaterThanOrEqual(12);
  });
});
