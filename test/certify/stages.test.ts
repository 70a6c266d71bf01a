/** Which stage decides what, on a network of which everything is known. */
import { describe, expect, it } from 'vitest';
import { certifyWith, type MakeProver } from '../../src/certify/certifySamples.ts';
import { SampleState } from '../../src/certify/stages/state.ts';
import { summaryOf, withstands } from '../../src/certify/summary.ts';
import { UnsupportedError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { type Asked, EDGE, reports, stepNetwork, stepProver } from './step.ts';

const RADII = [0.05, 1, 2, 2.09, 2.2];

describe('radii', () => {
  it('are decided by the cheapest stage that can', async () => {
    const asked: Asked[] = [];
    const [report] = await reports([[0, 0]], { radii: RADII }, stepProver(asked));
    expect(report).toMatchObject({
      ...{ index: 0, label: 0, predicted: 0 },
      certified: { '0.05': true, '1': true, '2': true, '2.09': false, '2.2': false },
      stages: { '0.05': 'global', '1': 'anchored closed form', '2': 'moving centre' },
    });
    expect(report!.margin).toBeCloseTo(1.2, 12);
    expect(report!.margin).toBeLessThan(1.2);
    expect(report!.attack).toBeGreaterThanOrEqual(EDGE);
    expect(report!.attack).toBeLessThan(2.11);
    expect(report!.seconds).toBeGreaterThan(0);
    expect(report).not.toHaveProperty('radius');
    // Nothing that is broken; from the largest radius that is left down to the one that passes.
    expect(asked.filter(({ evaluations }) => evaluations === 0).map(({ radii }) => radii)).toEqual([
      [2.09],
      [2],
      [1],
    ]);
    expect(asked.filter(({ evaluations }) => evaluations > 0).map(({ radii }) => radii)).toEqual([
      [2.09],
      [2],
    ]);
  });

  it('of many samples keep their order, whatever is asked together', async () => {
    const points = Array.from({ length: 150 }, (_, k): [number, number] => [
      (k % 30) / 10,
      k % 30 <= 20 ? 0 : 1,
    ]);
    const all = await reports(points, { radii: [0.5] });
    expect(all.map(({ index }) => index)).toEqual(points.map((_, k) => k));
    for (const [k, { certified, predicted, label }] of all.entries()) {
      const [x] = points[k]!;
      expect(predicted).toBe(label);
      const exact = Math.abs(EDGE - x);
      if (exact < 0.5) expect(certified['0.5']).toBe(false);
      if (exact > 0.52) expect(certified['0.5']).toBe(true);
    }
  });

  it('of a wrong prediction are not certified, and its counterexample is itself', async () => {
    const asked: Asked[] = [];
    const [report] = await reports([[0, 1]], { radii: [0.01], maxRadius: true }, stepProver(asked));
    expect(report).toMatchObject({
      label: 1,
      predicted: 0,
      certified: { '0.01': false },
      stages: {},
      radius: 0,
      attack: 0,
    });
    expect(report!.margin).toBeLessThan(0);
    expect(asked).toEqual([]);
  });

  it('of outputs that leave the range of float64 are of nothing', async () => {
    const b = new NetworkBuilder('overflow');
    const weight = Float64Array.of(1e308, 0, 0, 1);
    const affine = { kind: 'affine', outputs: 2, inputs: 2, weight, bias: new Float64Array(2) } as const;
    const network = b.build(b.add('', affine, [b.input('x', [2])]));
    const options = { radii: [1e-3], maxRadius: true };
    const all = await reports([[10, 0], [10, 1], [10]], options, stepProver(), network);
    for (const [k, report] of all.entries()) {
      expect(report).toMatchObject({
        ...{ label: [0, 1, null][k], predicted: null, margin: null, attack: null, radius: 0 },
        certified: { '0.001': false },
      });
      expect(withstands(report, 1e-3)).toBe(false);
    }
    expect(summaryOf(all.slice(0, 2), [1e-3])).toMatchObject({ clean: 0, attacked: { '0.001': 0 } });
  });

  it('without a label are those of the prediction', async () => {
    const [report] = await reports([[0]], { radii: [1] });
    expect(report).toMatchObject({ label: null, predicted: 0, certified: { '1': true } });
  });

  it('without an attack, and without evaluations', async () => {
    const asked: Asked[] = [];
    const [report] = await reports(
      [[0, 0]],
      { radii: RADII, attackStarts: 0, evaluations: 0 },
      stepProver(asked),
    );
    expect(report).toMatchObject({ attack: null, certified: { '1': true, '2': false } });
    expect(asked.every(({ evaluations }) => evaluations === 0)).toBe(true);
  });

  it('by bounds of the whole network alone', async () => {
    const none: MakeProver = async () => {
      throw new Error('nobody asked for proofs around inputs');
    };
    const [report] = await reports([[0, 0]], { radii: [0.05, 1], regions: false, maxRadius: true }, none);
    expect(report).toMatchObject({ certified: { '0.05': true, '1': false }, stages: { radius: 'global' } });
    expect(report!.radius).toBeCloseTo(0.12, 6);
  });

  it('of a network that ends in a softmax are those of its logits', async () => {
    const [report] = await reports([[0, 0]], { radii: [1] }, stepProver(), stepNetwork(true));
    expect(report!.margin).toBeCloseTo(1.2, 12);
    expect(report!.certified['1']).toBe(true);
  });
});

describe('the largest radius', () => {
  it('comes within a hundredth of what can be proven, and so does the attack', async () => {
    for (const x of [-3, 0, 1.5]) {
      const [report] = await reports([[x, 0]], { maxRadius: true, radii: [0.01] });
      const exact = EDGE - x;
      expect(report!.radius).toBeLessThan(0.99 * exact);
      expect(report!.radius).toBeGreaterThan(0.97 * exact);
      expect(report!.stages.radius).toBe('moving centre');
      expect(report!.attack).toBeGreaterThanOrEqual(exact);
      expect(report!.attack).toBeLessThan(1.02 * exact);
    }
  });

  it('by closed forms alone', async () => {
    const [report] = await reports([[0, 0]], { maxRadius: true, evaluations: 0 });
    expect(report!.radius).toBeLessThan(0.5 * EDGE);
    expect(report!.radius).toBeGreaterThan(0.48 * EDGE);
    expect(report!.stages.radius).toBe('anchored closed form');
  });

  it('where no counterexample is looked for', async () => {
    const [report] = await reports([[0, 0]], { maxRadius: true, attackStarts: 0 });
    expect(report!.radius).toBeGreaterThan(0.95 * EDGE);
    expect(report!.attack).toBeNull();
  });
});

describe('limits', () => {
  it('keep the attack inside', async () => {
    const high = Float64Array.of(2.05, 1);
    const [inside] = await reports([[0, 0]], { radii: [3], limits: { low: -1, high } });
    expect(inside!.attack).toBeNull();
    const [reached] = await reports([[0, 0]], { radii: [3], limits: { low: -1, high: 2.2 } });
    expect(reached!.attack).toBeLessThan(2.2);
    await expect(reports([[3, 0]], { radii: [1], limits: { low: 0, high: 1 } })).rejects.toThrow(
      /sample 0: must keep the limits, got 3 at entry 0/,
    );
  });
});

describe('what must not be', () => {
  it('a proof beside a counterexample is an error of this program', () => {
    const made = () => {
      const output = { middle: Float64Array.of(1, 0), radius: new Float64Array(2) };
      return new SampleState({ index: 7, input: new Float64Array(2), label: 0 }, output);
    };
    const proven = made();
    proven.prove(1, 'global');
    proven.breakAt(1.5);
    expect(() => proven.breakAt(1)).toThrow(/sample 7: proven within 1, and a counterexample at 1/);
    const broken = made();
    broken.breakAt(1);
    broken.prove(0.5, 'moving centre');
    expect(() => broken.prove(2, 'moving centre')).toThrow(/sample 7: proven within 2/);
  });

  it.each([
    [{ radii: [0] }, /radii: above 0, got 0/],
    [{ radii: [Number.NaN] }, /radii/],
    [{ radii: [1, 1] }, /differ/],
    [{ radii: [1], timeLimit: 0 }, /time limit/],
    [{ radii: [1], evaluations: 1.5 }, /evaluations/],
    [{ radii: [1], attackStarts: -1 }, /attackStarts/],
    [{ radii: [1], limits: { low: 1, high: 0 } }, /limits: from below to above/],
    [
      { radii: [1], limits: { low: new Float64Array(3), high: 1 } },
      /limits: one number, or one for each of 2/,
    ],
  ])('%o', async (options, why) => {
    await expect(reports([[0, 0]], options)).rejects.toThrow(why);
  });

  it.each([
    [{ index: 4, input: Float64Array.of(1), label: 0 }, /sample 4: must have the network's 2 entries, got 1/],
    [{ index: 4, input: Float64Array.of(1, Number.NaN), label: 0 }, /sample 4: must hold finite numbers/],
    [{ index: 4, input: Float64Array.of(1, 1), label: 2 }, /sample 4: must have a label from 0 to 1, got 2/],
  ])('%o', async (sample, why) => {
    const all = certifyWith(stepProver(), stepNetwork(), [sample], { radii: [1] });
    await expect(all.next()).rejects.toThrow(why);
  });
});

describe('an end', () => {
  it('by the time limit comes in the middle of an attack, and by the signal at once', async () => {
    const endless = { radii: [1.99], attackStarts: 1e9, regions: false };
    const all = await reports([[0, 0]], { ...endless, timeLimit: 0.1 });
    expect(all).toMatchObject([{ certified: { '1.99': false }, attack: null }]);
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('enough')), 100);
    const never = reports([[0, 0]], { ...endless, timeLimit: 1e6, signal: stop.signal });
    await expect(never).rejects.toThrow('enough');
  });

  it('by the time limit leaves the sample open and goes on', async () => {
    const slow: MakeProver = async (network, options) => {
      const quick = await stepProver()(network, options);
      return {
        ...quick,
        prove: (questions, effort) =>
          effort.evaluations === 0
            ? quick.prove(questions, effort)
            : new Promise((_, reject) => {
                effort.signal!.addEventListener('abort', () => reject(effort.signal!.reason));
              }),
      };
    };
    const all = await reports(
      [
        [0, 0],
        [0.1, 0],
      ],
      { radii: [0.5, 2], timeLimit: 0.05 },
      slow,
    );
    expect(all.map(({ certified }) => certified)).toEqual([
      { '0.5': true, '2': false },
      { '0.5': true, '2': false },
    ]);
  });

  it('by the time limit in the midst of many radii keeps those that were proven', async () => {
    // Several are asked for at once; behind the first that passes the prover hangs.
    let passed = false;
    const hanging: MakeProver = async (network, options) => {
      const quick = await stepProver()(network, options);
      return {
        ...quick,
        prove: async (questions, effort) => {
          const answers = [];
          for (const question of questions) {
            if (passed)
              await new Promise((_, reject) => {
                effort.signal!.addEventListener('abort', () => reject(effort.signal!.reason));
              });
            const [answer] = await quick.prove([question], effort);
            passed ||= answer!.certified;
            answers.push(answer!);
          }
          return answers;
        },
      };
    };
    const options = { maxRadius: true, evaluations: 0, attackStarts: 1, timeLimit: 1 };
    const [report] = await reports([[0, 0]], options, hanging);
    // The global bound alone gives 0.12.
    expect(report!.radius).toBeGreaterThan(0.13);
    expect(report!.stages.radius).toBe('anchored closed form');
  });

  it('by the signal lets what was reported stand', async () => {
    const stop = new AbortController();
    const points = Array.from({ length: 40 }, (_, index) => ({
      index,
      input: Float64Array.of(0, 0),
      label: 0,
    }));
    let closed = 0;
    const prover: MakeProver = async (network, options) => ({
      ...(await stepProver()(network, options)),
      close: () => void closed++,
    });
    const found: number[] = [];
    const all = certifyWith(prover, stepNetwork(), points, { radii: [2], signal: stop.signal });
    const run = (async () => {
      for await (const { index } of all) {
        found.push(index);
        if (index === 10) stop.abort(new Error('enough'));
      }
    })();
    await expect(run).rejects.toThrow('enough');
    expect(found.length).toBeGreaterThan(10);
    expect(found.length).toBeLessThan(40);
    expect(closed).toBe(1);
  });

  it('of proofs that there are none of: global bounds alone, and a note that says why', async () => {
    const none: MakeProver = async () => {
      throw new UnsupportedError([{ node: 'pool', found: 'MaxPool', reason: 'is not for regions' }]);
    };
    const notes: string[] = [];
    const [report] = await reports([[0, 0]], { radii: [0.05, 1], onNote: (note) => notes.push(note) }, none);
    expect(report!.certified).toEqual({ '0.05': true, '1': false });
    expect(notes).toEqual([expect.stringMatching(/global bounds alone.*pool: is not for regions/)]);
  });
});
