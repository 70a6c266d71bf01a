/** Searches on few frequencies against searches on all of them, on random networks, and what ends them. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { nonlinearSteps } from '../../src/ellipsoid/multipliers/relative.ts';
import { Rounding } from '../../src/ellipsoid/rounding/rounding.ts';
import { ActiveSearch } from '../../src/ellipsoid/search/active/activeSearch.ts';
import { heldFrom } from '../../src/ellipsoid/search/active/held.ts';
import { Flat } from '../../src/ellipsoid/search/flat.ts';
import { DifferentiablePass } from '../../src/ellipsoid/search/gradient/differentiablePass.ts';
import { lastPass } from '../../src/ellipsoid/search/lastPass.ts';
import { SearchPlan } from '../../src/ellipsoid/search/plan.ts';
import { refine } from '../../src/ellipsoid/search/refine.ts';
import type { Found, Setting } from '../../src/ellipsoid/search/setting.ts';
import { thetaOf } from '../../src/ellipsoid/search/start.ts';
import { Taps } from '../../src/ellipsoid/search/taps.ts';
import { type SearchProgress, Watch } from '../../src/ellipsoid/search/watch.ts';
import { wholeSearch } from '../../src/ellipsoid/search/wholeSearch.ts';
import { type Outcome, sweep } from '../../src/ellipsoid/sweep/sweep.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network, TensorId } from '../../src/network/network.ts';
import type { Operator } from '../../src/network/operator.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import { compile } from '../../src/program/compile.ts';
import type { Program } from '../../src/program/program.ts';
import { sampledLowerBound } from '../support/forward.ts';
import { Random } from '../support/random.ts';
import { runs } from '../support/runs.ts';

const MEMORY = 1e9;
const EVALUATIONS = 150;
/** How much more than a search on all frequencies one on few may leave. */
const WORSE = 1.01;

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu', threads: 1 });
});
afterAll(() => engine.close());

type Kind = 'chain' | 'strided' | 'residual' | 'pooled' | 'mean';

/** A network on signals long enough for frequencies to be chosen from. */
function networkOf(kind: Kind, seed: number): Network {
  const random = new Random(seed);
  const builder = new NetworkBuilder(kind);
  const side =
    { chain: 60, residual: 60, pooled: 80, mean: 160, strided: 240 }[kind] + 4 * random.integer(0, 5);
  let x = builder.input('x', [random.integer(1, 2), side]);
  const channels = () => builder.shape(x)[0]!;
  const add = (operator: Operator, ...inputs: TensorId[]) => builder.add('', operator, inputs);
  const convolution = (from: TensorId, outputs: number, stride: number) => {
    const inputs = builder.shape(from)[0]!;
    return add(
      {
        ...{ kind: 'convolution', outputs, inputs, groups: 1, kernel: [3], stride: [stride], dilation: [1] },
        padding: { mode: 'zero', before: [1], after: [1] },
        weight: random.normals(3 * outputs * inputs, 1 / Math.sqrt(inputs)),
      },
      from,
    );
  };
  const relu = (from: TensorId) => add({ kind: 'nonlinearity', function: { name: 'relu' } }, from);
  for (let k = 0; k < 3; k++) {
    const outputs = random.integer(2, 4);
    if (kind === 'residual' && k > 0) {
      const branch = convolution(relu(convolution(x, outputs, 1)), channels(), 1);
      x = add({ kind: 'add', coefficients: [1, 1] }, x, branch);
    } else x = relu(convolution(x, outputs, kind === 'strided' && k > 0 ? 2 : 1));
    if (kind === 'pooled' && k === 0) {
      x = add({ kind: 'max-pool', kernel: [2], stride: [2], dilation: [1], before: [0], after: [0] }, x);
    }
  }
  if (kind === 'mean') {
    x = add({ kind: 'global-average-pool', sum: false }, x);
    const [inputs, outputs] = [channels(), 3];
    x = add({ kind: 'affine', inputs, outputs, weight: random.normals(inputs * outputs, 1) }, x);
  } else x = convolution(x, 2, 1);
  return simplify(builder.build(x));
}

interface Case {
  readonly network: Network;
  readonly program: Program;
  readonly setting: Setting;
  readonly closed: Outcome;
}

async function caseOf(network: Network, signal?: AbortSignal): Promise<Case> {
  const program = compile(network);
  const layout = new Flat(nonlinearSteps(program));
  const objective = { kind: 'radius' } as const;
  const setting = { engine, program, layout, taps: new Taps(), objective, signal };
  const [closed] = await sweep(engine, program, {
    runs: [{ name: 'GC(1.5)' }],
    memory: MEMORY,
    skips: new Map(),
  });
  return { network, program, setting, closed: closed! };
}

const watchOf = (own: Partial<ConstructorParameters<typeof Watch>[0]> = {}) =>
  new Watch({ evaluations: EVALUATIONS, deadline: Infinity, ...own });

async function onFew({ program, setting, closed }: Case, watch = watchOf(), memory = MEMORY) {
  const plan = new SearchPlan(program, memory, 8);
  const held = await heldFrom(engine, program, closed.layers);
  return new ActiveSearch(setting, plan, watch, { tolerance: 1e-5, polish: Infinity }).run(held);
}

/** ln L of the pass that counts. */
async function proven({ program, setting }: Case, found: Found): Promise<number> {
  const theta = setting.layout.named(setting.layout.join(found.theta));
  const rounding = new Rounding(engine.information, 0);
  const { outcome } = await lastPass(engine, program, theta, { memory: MEMORY, rounding });
  return 0.5 * (Math.log(outcome.squared.mantissa) + outcome.squared.exponent * Math.LN2);
}

describe('a search on few frequencies', () => {
  it.each(['chain', 'strided', 'residual', 'pooled', 'mean'] as const)(
    'finds what one on all does, above the truth: %s',
    async (kind) => {
      for (let seed = 1; seed <= runs(2); seed++) {
        const own = await caseOf(networkOf(kind, seed));
        const { program, setting, closed } = own;
        const few = await onFew(own);
        expect(few, `${kind}, seed ${seed}`).toBeDefined();
        const start = setting.layout.flatten(thetaOf(closed.layers));
        const options = { evaluations: EVALUATIONS, tolerance: 1e-5 };
        const all = await wholeSearch(setting, 1, watchOf(), options, start);
        const [bound, best] = [await proven(own, few!), await proven(own, all!)];
        const factor = Math.exp(bound - best);
        expect(factor, `${kind}, seed ${seed}, of ${program.segments.length} segments`).toBeLessThan(WORSE);
        const truth = sampledLowerBound(own.network, 20, seed) * (1 - 1e-9);
        expect(Math.exp(bound)).toBeGreaterThanOrEqual(truth);
      }
    },
  );

  it('tells of estimates, and of what all frequencies have made of them', async () => {
    const heard: SearchProgress[] = [];
    const watch = watchOf({ onEvaluation: (progress) => heard.push(progress) });
    const own = await caseOf(networkOf('strided', 5));
    const found = await onFew(own, watch);
    const whole = heard.filter(({ complete }) => complete);
    expect(heard.length - whole.length).toBe(watch.evaluations);
    expect(whole.length).toBeGreaterThan(1);
    for (const [k, { bound }] of whole.entries()) {
      if (k > 0) expect(bound).toBeLessThanOrEqual(whole[k - 1]!.bound);
    }
    expect(heard.at(-1)!.complete).toBe(true);
    expect(Math.abs((await proven(own, found!)) - whole.at(-1)!.bound)).toBeLessThan(1e-6);
    // Work is told of as it is done: some frequencies are less than all.
    for (const { work, complete } of heard) expect(work).toBeLessThanOrEqual(complete ? 0.51 : 1);
    expect(heard.some(({ work, complete }) => !complete && work < 1)).toBe(true);
  });

  it('ends after as many gradients as it may, with the best so far', async () => {
    const own = await caseOf(networkOf('chain', 2));
    for (const evaluations of [1, 4, 13]) {
      const watch = watchOf({ evaluations });
      const found = await onFew(own, watch);
      expect(watch.evaluations).toBe(evaluations);
      expect(watch.status(found!.ending)).toBe('evaluations');
      expect(await proven(own, found!)).toBeLessThan(Infinity);
    }
  });

  it('ends in the midst of a pass when it is interrupted, with the best so far', async () => {
    const own = networkOf('chain', 3);
    const interruption = new AbortController();
    const watch = watchOf({
      interrupt: interruption.signal,
      onEvaluation: ({ evaluation, complete }) => {
        if (complete && evaluation > 0) setTimeout(() => interruption.abort());
      },
    });
    const asked = await caseOf(own, interruption.signal);
    const found = await onFew(asked, watch);
    expect(watch.status(found!.ending)).toBe('interrupted');
    const [best, start] = [await proven(await caseOf(own), found!), asked.closed.squared];
    expect(best).toBeLessThan(0.5 * (Math.log(start.mantissa) + start.exponent * Math.LN2));
  });

  it('ends at once when it is interrupted before it has found anything, whatever the memory', async () => {
    const { program, closed } = await caseOf(networkOf('strided', 3));
    for (const memory of [MEMORY, 3e5]) {
      const asked = {
        ...{ memory, tolerance: 1e-5, polish: Infinity, deadline: Infinity, evaluations: EVALUATIONS },
        objective: { kind: 'radius' } as const,
        interrupt: AbortSignal.abort(),
        onEvaluation: () => expect.unreachable(),
      };
      expect(await refine(engine, program, { layers: closed.layers }, asked)).toBe('interrupted');
    }
  });

  it('and one on all, in the midst of an evaluation', async () => {
    const interruption = new AbortController();
    const watch = watchOf({ interrupt: interruption.signal });
    const { setting, closed } = await caseOf(networkOf('chain', 3), interruption.signal);
    const start = setting.layout.flatten(thetaOf(closed.layers));
    const { evaluate } = DifferentiablePass.prototype;
    let begun = 0;
    const third = vi.spyOn(DifferentiablePass.prototype, 'evaluate').mockImplementation(function (
      this: DifferentiablePass,
      ...given
    ) {
      const running = evaluate.apply(this, given);
      if (++begun === 3) interruption.abort();
      return running;
    });
    try {
      const found = await wholeSearch(setting, 1, watch, { evaluations: EVALUATIONS, tolerance: 0 }, start);
      expect(watch.status(found!.ending)).toBe('interrupted');
      expect([begun, watch.evaluations]).toEqual([3, 2]);
    } finally {
      third.mockRestore();
    }
  });

  it('is rejected when it is cancelled', async () => {
    const cancellation = new AbortController();
    const reason = new Error('no longer wanted');
    const watch = watchOf({
      signal: cancellation.signal,
      onEvaluation: ({ evaluation }) => evaluation === 3 && cancellation.abort(reason),
    });
    await expect(onFew(await caseOf(networkOf('mean', 1), cancellation.signal), watch)).rejects.toBe(reason);
  });

  it('begins no round that would end after its time', async () => {
    const watch = watchOf({ deadline: performance.now() });
    const own = await caseOf(networkOf('chain', 4));
    const found = await onFew(own, watch);
    expect(watch.evaluations).toBe(0);
    expect(watch.status(found!.ending)).toBe('time limit');
    const { mantissa, exponent } = own.closed.squared;
    const closed = 0.5 * (Math.log(mantissa) + exponent * Math.LN2);
    expect(Math.abs((await proven(own, found!)) - closed)).toBeLessThan(1e-6);
  });
});

it('frequencies without room are left out, which is said, and the bound is above the truth', async () => {
  const own = await caseOf(networkOf('chain', 6));
  const plan = (memory: number) => new SearchPlan(own.program, memory, 8);
  const wanted = await onFew(own);
  expect(wanted!.partial).toBe(false);
  // Room for three.
  let memory = MEMORY;
  while (plan(memory).blocksFor([4], plan(memory).keptSymbols) !== undefined) memory *= 0.9;
  expect(plan(memory).blocksFor(plan(memory).counts)).toBeUndefined();
  const found = await onFew(own, watchOf(), memory);
  expect(found!.partial).toBe(true);
  expect(Math.exp(await proven(own, found!))).toBeGreaterThanOrEqual(sampledLowerBound(own.network, 20, 1));
});
