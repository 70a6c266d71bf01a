/** What the gaps between frequencies are said to cost, against the maps themselves. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { interpolated } from '../../src/ellipsoid/anyLength/plan.ts';
import { stepNorms } from '../../src/ellipsoid/anyLength/taps.ts';
import { tapsOf } from '../../src/ellipsoid/rules/affine.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { compile } from '../../src/program/compile.ts';
import { largestDeviation } from '../support/chords.ts';
import { Random } from '../support/random.ts';
import { runs } from '../support/runs.ts';
import { convolution } from '../support/signals.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

/** ε of a filter behind another, both of one channel, in the units of the network. */
async function epsilonOf(filters: readonly (readonly number[])[], frequencies: number): Promise<number> {
  const builder = new NetworkBuilder('filters');
  let last = builder.input('y', [1, 40]);
  for (const filter of filters) {
    const kernel = filter.length;
    const geometry = { mode: 'circular', before: kernel - 1, after: 0 } as const;
    const operator = convolution(new Random(1), 1, 1, kernel, geometry);
    last = builder.add('', { ...operator, weight: Float64Array.from(filter) } as typeof operator, [last]);
  }
  const program = compile(builder.build(last), { lengths: { shortest: () => undefined } });
  const norms = await stepNorms(engine, program, undefined);
  const [segment] = interpolated(program, norms, frequencies, new Map()).segments;
  const { stretch, share } = segment!.interpolation!.gaps.get(1)!;
  const exponent = segment!.steps.reduce(
    (sum, step) => sum + (step.kind === 'linear' ? tapsOf(step, 1).exponent : 0),
    0,
  );
  return Math.sqrt(share / (1 + 1 / stretch)) * 2 ** exponent;
}

describe('what a filter behind another lies off its chord', () => {
  it('is within ε, to which slopes of both contribute', async () => {
    const [cosine, sine] = [
      [1, 0, 1],
      [1, 0, -1],
    ];
    const deviation = largestDeviation(cosine, sine, 4);
    expect(deviation).toBeCloseTo(1.4, 1);
    const epsilon = await epsilonOf([cosine, sine], 4);
    expect(epsilon).toBeGreaterThan(deviation);
    expect(epsilon).toBeLessThan(6);
  });

  it('is within ε for any filters', async () => {
    const random = new Random(4);
    for (let k = 0; k < runs(200); k++) {
      const filter = () => [...random.normals(random.integer(2, 6))];
      const [first, second, frequencies] = [filter(), filter(), random.integer(3, 24)];
      expect(await epsilonOf([first, second], frequencies)).toBeGreaterThanOrEqual(
        largestDeviation(first, second, frequencies) * (1 - 1e-9),
      );
    }
  });
});
