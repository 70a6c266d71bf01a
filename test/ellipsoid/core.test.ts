/** A symbol whose core is kept apart is the symbol, and what is known of its rounding is the same, in every digit. */
import { afterAll, describe, expect, it } from 'vitest';
import { resNet18, resNet50, wideResNet28x10 } from '../../bench/networks.ts';
import { Rounding } from '../../src/ellipsoid/rounding/rounding.ts';
import { type StepTaps, symbolOf, tapNumbers, tapsOf } from '../../src/ellipsoid/rules/affine.ts';
import { symbolError } from '../../src/ellipsoid/rules/affineAbove.ts';
import { Symbols } from '../../src/ellipsoid/sweep/symbols.ts';
import { largest } from '../../src/network/extremes.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import { compile } from '../../src/program/compile.ts';
import {
  gridSides,
  type LinearStep,
  type Live,
  type PlacedTerm,
  type Program,
  type Segment,
} from '../../src/program/program.ts';
import type { LinearMap, Variable } from '../../src/program/variables.ts';
import { halfTorus, slice } from '../../src/spectrum/frequencies.ts';
import type { TapKernel } from '../../src/spectrum/taps.ts';
import { oracleEngine } from '../engine/oracle/engine.ts';
import { Random } from '../support/random.ts';
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

const variable = (name: string, channels: number) =>
  ({ name, operator: 'Test', channels, window: [6], origin: { kind: 'input' } }) as unknown as Variable;

function laidOut(variables: readonly Variable[]): Live[] {
  let start = 0;
  return variables.map((own) => {
    const live: Live = { variable: own, start, rows: own.channels, lift: [1] };
    start += own.channels;
    return live;
  });
}

const copied = (scale: Float64Array): LinearMap => ({ kind: 'identity', scale });

function convolved(random: Random, outputs: number, inputs: number, side: number): LinearMap {
  const weight = Float64Array.from({ length: outputs * inputs * side }, () => random.normal());
  const kernel: TapKernel = {
    sides: [side],
    entries: () => {
      throw new Error('the table is there');
    },
    table: { weight, outputs, inputs, byOutput: inputs * side, byInput: side },
  };
  return { kind: 'convolution', kernel, stride: [1], dilation: [1], before: [1] } as unknown as LinearMap;
}

function placed(source: Live, target: Live, map: LinearMap): PlacedTerm {
  const { channels } = target.variable;
  return { source, target, term: { source: source.variable, map, row: 0, channels } };
}

/** Variables that are copied, convolved, or sums of both; also of two copies, and with a copy between two convolutions. */
function randomStep(random: Random): LinearStep {
  const channels = () => random.integer(1, 3);
  const before = laidOut([...'abcd'].map((name) => variable(name, channels())));
  const after = laidOut(
    [...'vwxyz'].map((name) => variable(name, before[random.integer(0, 3)]!.variable.channels)),
  );
  const terms = after.flatMap((target) =>
    Array.from({ length: random.integer(1, 2) }, () => {
      const source = before[random.integer(0, 3)]!;
      const [outputs, inputs] = [target.variable.channels, source.variable.channels];
      const copies = outputs === inputs && random.integer(0, 3) > 0;
      const scale = Float64Array.from({ length: outputs }, () => random.normal());
      return placed(
        ...([source, target] as const),
        copies ? copied(scale) : convolved(random, outputs, inputs, 2),
      );
    }),
  );
  return { kind: 'linear', ratio: [1], before, after, terms };
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

  it('is apart in steps of copies and convolutions in any order', async () => {
    let framed = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const step = randomStep(new Random(seed));
      const taps = tapsOf(step, 1, 0);
      if (!taps.frame) continue;
      framed++;
      const [one, other] = [await computed(taps, [6]), await computed(tapsOf(step, 1, Infinity), [6])];
      expect(one).toEqual(other);
    }
    expect(framed).toBeGreaterThan(15);
  });

  it('is the same in slices of its taps', async () => {
    const [skip, source] = [variable('skip', 192), variable('source', 64)];
    const before = laidOut([skip, source]);
    const after = laidOut([skip, variable('target', 64)]);
    const terms = [
      placed(before[0]!, after[0]!, copied(Float64Array.of(1))),
      placed(before[1]!, after[1]!, convolved(new Random(1), 64, 64, 3)),
    ];
    const step: LinearStep = { kind: 'linear', ratio: [1], before, after, terms };
    const segment: Segment = {
      ...{ axes: 1, torus: [6], grids: [[1], [1]], start: before, white: true, steps: [step] },
    };
    const frequencies = slice(halfTorus([6]), 0, 2);
    const whole = tapsOf(step, 1, Infinity);
    const size = whole.rows * whole.columns;
    const uploaded = engine.matrices(whole.matrices, 1, whole.taps.length, size, false);
    const sliced = new Symbols(engine, segment, { slice: 2 * 64 ** 2, room: 2 * 64 ** 2 });
    const [expected, found] = await engine.read(
      symbolOf(engine, whole, uploaded, frequencies),
      sliced.at(0, frequencies),
    );
    expect(sliced.tapsOf(0).frame).toBeDefined();
    expect(found!.length).toBe(expected!.length);
    expect(largest(found!.map((x, k) => Math.abs(x - expected![k]!)))).toBeLessThan(1e-14);
    sliced.close();
  });

  it('is apart beside skip connections', () => {
    expect(apart['ResNet-18']).toBeGreaterThanOrEqual(8);
    expect(apart['ResNet-50']).toBeGreaterThanOrEqual(40);
    expect(apart['WideResNet-28-10']).toBeGreaterThanOrEqual(12);
  });
});
