/**
 * Passes with multipliers that are held, and searches on few frequencies: what a pass says of one frequency is what it says of it alone,
 * and what a search finds is as good as what one finds on all.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nonlinearSteps, parametersOf } from '../../src/ellipsoid/multipliers/relative.ts';
import { descend } from '../../src/ellipsoid/search/active/descent.ts';
import { type FixedOutcome, FixedPass } from '../../src/ellipsoid/search/active/fixedPass.ts';
import { type Held, heldAt, heldFrom, raised } from '../../src/ellipsoid/search/active/held.ts';
import type { Seen } from '../../src/ellipsoid/search/active/seen.ts';
import { Flat } from '../../src/ellipsoid/search/flat.ts';
import {
  allFrequencies,
  chosenFrequencies,
  coarsest,
  coarsestCount,
  inPieces,
  type SegmentFrequencies,
} from '../../src/ellipsoid/search/frequencies.ts';
import { DifferentiablePass, type Summed } from '../../src/ellipsoid/search/gradient/differentiablePass.ts';
import { Taps } from '../../src/ellipsoid/search/taps.ts';
import { sweep } from '../../src/ellipsoid/sweep/sweep.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { compile } from '../../src/program/compile.ts';
import { gridSides, type Program } from '../../src/program/program.ts';
import { networks } from './adjointNetworks.ts';

const SMOOTHING = { doublings: 9, barrier: 0 };

/** Programs with frequencies to choose from. */
const programs = Object.entries(networks)
  .map(([name, make]) => [name, compile(make())] as const)
  .filter(([, { segments }]) => segments.some(({ axes }) => axes > 0));

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

async function outcomeOf(
  program: Program,
  pieces: readonly (readonly SegmentFrequencies[])[],
  held: readonly Held[],
  options: Parameters<FixedPass['run']>[1] = {},
) {
  const pass = new FixedPass(engine, program, pieces, { kind: 'radius' }, new Taps(), true);
  try {
    return await pass.run(held, options);
  } finally {
    pass.close();
  }
}

const whole = (program: Program) => program.segments.map((segment) => [allFrequencies(segment)]);

/** Only some frequencies of the segments on tori. */
const only = (program: Program, chosen: (count: number) => number[]) =>
  program.segments.map((segment) => [
    segment.axes === 0
      ? allFrequencies(segment)
      : chosenFrequencies(segment, coarsest(segment), chosen(coarsestCount(segment))),
  ]);

/** What all frequencies add to a sum, but for some of them. */
function restOf(all: Seen | undefined, some: Seen | undefined): Summed | undefined {
  if (!all?.sum || !some?.sum) return undefined;
  const unit = 2 ** (some.sum.exponent - all.sum.exponent);
  return { ...all.sum, entries: all.sum.entries.map((x, k) => x - unit * some.sum!.entries[k]!) };
}

/** Multipliers of a search whose θ is above the given one. */
async function heldAbove(program: Program, theta: readonly Float64Array[]): Promise<readonly Held[]> {
  const above = theta.map((own) => own.map((t) => t + 0.4));
  const pass = new DifferentiablePass(engine, program, program.segments.map(allFrequencies));
  const { multipliers } = await pass.evaluate(above, SMOOTHING);
  pass.close();
  return heldAt(program, above, multipliers);
}

/** Multipliers well above S, and what a search says of them. */
async function start(program: Program) {
  const theta = nonlinearSteps(program).map((step, k) =>
    Float64Array.from({ length: parametersOf(step) }, (_, i) => 0.5 + 0.1 * Math.sin(3 * k + i)),
  );
  const pass = new DifferentiablePass(engine, program, program.segments.map(allFrequencies));
  const evaluation = await pass.evaluate(theta, SMOOTHING);
  pass.close();
  return { theta, evaluation, held: heldAt(program, theta, evaluation.multipliers) };
}

const close = (a: number, b: number, tolerance: number) => expect(Math.abs(a - b)).toBeLessThan(tolerance);

describe('a pass with held multipliers', () => {
  it.each(programs)('is the one that they are from: %s', async (_, program) => {
    const { theta, evaluation, held } = await start(program);
    const outcome = await outcomeOf(program, whole(program), held);
    // Behind a pooling the search has a majorant of λ_max.
    const pooled = nonlinearSteps(program).some((step) => step.kind === 'maximum');
    expect(outcome.bound).toBeLessThanOrEqual(evaluation.bound + 1e-9);
    close(outcome.bound, evaluation.bound, pooled ? 0.02 : 1e-9);
    if (!pooled) {
      for (const [k, own] of outcome.theta.entries())
        for (const [i, t] of own.entries()) close(t, theta[k]![i]!, 1e-9);
    }
    // What it gives is a pass of its own.
    const again = await outcomeOf(program, whole(program), outcome.held);
    close(again.bound, outcome.bound, 1e-9);
  });

  it.each(programs)('is the same in pieces: %s', async (_, program) => {
    const { held } = await start(program);
    const one = await outcomeOf(program, whole(program), held);
    const many = await outcomeOf(
      program,
      program.segments.map((segment) => inPieces(segment, 2)),
      held,
    );
    close(many.bound, one.bound, 1e-9);
    for (const [k, theta] of one.theta.entries())
      for (const [i, t] of theta.entries()) close(many.theta[k]![i]!, t, 1e-9);
    for (const [i, seen] of one.seen.entries()) {
      if (!seen) continue;
      expect(many.seen[i]!.share.length).toBe(seen.share.length);
      for (const [k, share] of seen.share.entries()) close(many.seen[i]!.share[k]!, share, 1e-6);
      expect(many.seen[i]!.left).toEqual(seen.left);
    }
  });

  it.each(programs)('says of a multiplier how full it is: %s', async (_, program) => {
    const { held } = await start(program);
    const { seen } = await outcomeOf(program, whole(program), held);
    for (const tightness of seen.flatMap((own) => own?.tightness ?? [])) {
      for (const t of tightness) {
        expect(t).toBeGreaterThanOrEqual(0);
        // D is e^0.4 times the row sums or more.
        expect(t).toBeLessThan(0.7);
      }
    }
  });
});

describe('frequencies', () => {
  it.each(programs)('are chosen with all that alias to them: %s', (_, program) => {
    for (const segment of program.segments) {
      if (segment.axes === 0) continue;
      const all = coarsest(segment);
      const chosen = [...new Set([0, all.count >> 1, all.count - 1])];
      const { frequencies } = chosenFrequencies(segment, all, chosen);
      const wanted = chosen.map((k) => all.indices.slice(k * segment.axes, (k + 1) * segment.axes).join());
      for (const [k, own] of frequencies.entries()) {
        const torus = gridSides(segment, k);
        const copies = own.count / chosen.length;
        expect(own.torus).toEqual(torus);
        expect(copies).toBe(torus.reduce((p, n, a) => (p * n) / all.torus[a]!, 1));
        const seen = new Set<string>();
        for (let i = 0; i < own.count; i++) {
          const index = own.indices.slice(i * segment.axes, (i + 1) * segment.axes);
          seen.add(index.join());
          // Next to each other, in the order of those that they alias to.
          expect(index.map((x, a) => x % all.torus[a]!).join()).toBe(wanted[Math.floor(i / copies)]);
        }
        expect(seen.size).toBe(own.count);
      }
    }
  });

  it.each(programs)('are seen alone as they are among all: %s', async (_, program) => {
    const { held } = await start(program);
    const all = await outcomeOf(program, whole(program), held);
    const some = await outcomeOf(
      program,
      only(program, (count) =>
        Array.from({ length: count }, (_, k) => k).filter((k) => k % 2 === 1 || k === 0),
      ),
      held,
    );
    // Behind the first segment states are those of what was seen.
    const [first, seen] = [all.seen[0], some.seen[0]];
    if (!first || !seen) return;
    const index = (k: number) => (k === 0 ? 0 : 2 * k - 1);
    for (const [step, tightness] of seen.tightness.entries())
      for (const [k, t] of tightness.entries()) close(t, first.tightness[step]![index(k)]!, 1e-9);
  });
});

describe('what is not seen of a sum', () => {
  const summed = programs.filter(([, { segments }]) => segments[0]!.steps.at(-1)!.kind === 'read');

  it.each(summed)('stands beside it as a constant: %s', async (_, program) => {
    const { held } = await start(program);
    const all = await outcomeOf(program, whole(program), held);
    const some = only(program, (count) => [0, count - 1]);
    const without = await outcomeOf(program, some, held);
    const rest = all.seen.map((seen, i) => restOf(seen, without.seen[i]));
    const beside = await outcomeOf(program, some, held, { beside: rest });
    close(beside.bound, all.bound, 1e-9);
    expect(without.bound).toBeLessThan(all.bound - 1e-3);
    // The gradient sees it too: what is no constant falls as the bound with all of it does.
    const pass = new DifferentiablePass(
      engine,
      program,
      some.map(([own]) => own!),
      { beside: rest },
    );
    const evaluation = await pass.evaluate(beside.theta, SMOOTHING);
    pass.close();
    close(evaluation.bound, all.bound, 1e-9);
    const twice = rest.map((r) => r && { ...r, exponent: r.exponent + 1 });
    const wrong = await outcomeOf(program, some, held, { beside: twice });
    expect(wrong.bound).toBeGreaterThan(all.bound + 1e-3);
  });

  it.each(summed)(
    'is what a descent takes it to be, by multipliers that all frequencies went through: %s',
    async (_, program) => {
      const { theta, held } = await start(program);
      // Others than those that it starts from.
      const higher = await outcomeOf(program, whole(program), await heldAbove(program, theta));
      const frequencies = only(program, (count) => [0, count - 1]).map(([own]) => own!);
      const bounds: number[] = [];
      const descent = async (finite: FixedOutcome) => {
        const setting = { engine, program, layout: new Flat(nonlinearSteps(program)), taps: new Taps() };
        const found = await descend(
          { ...setting, objective: { kind: 'radius' } },
          {
            ...{ frequencies, blocks: 1, keep: true, candidates: [held], finite, smoothing: SMOOTHING },
            ...{ patience: 5, tolerance: 0, pairs: [], proceed: () => false },
            onEvaluation: (bound) => bounds.push(bound),
          },
        );
        expect(bounds.pop()).toBe(found!.bound);
        return found!.bound;
      };
      const all = await outcomeOf(program, whole(program), held);
      close(await descent(all), all.bound, 1e-9);
      // What the others add with the higher multipliers, beside what those at hand do with the lower ones.
      const some = frequencies.map((own) => [own]);
      const own = await outcomeOf(program, some, higher.held);
      const beside = higher.seen.map((seen, i) => restOf(seen, own.seen[i]));
      const expected = await outcomeOf(program, some, held, { beside });
      close(await descent(higher), expected.bound, 1e-9);
      expect(Math.abs(expected.bound - all.bound)).toBeGreaterThan(1e-4);
    },
  );

  it.each(summed)('has no part in the gradient: %s', async (_, program) => {
    const { held } = await start(program);
    const all = await outcomeOf(program, whole(program), held);
    const some = only(program, (count) => [0, count - 1]);
    const { theta } = await outcomeOf(program, some, held);
    const pass = new DifferentiablePass(
      engine,
      program,
      some.map(([own]) => own!),
      { beside: all.seen.map((s) => s?.sum) },
    );
    const at = (t: readonly Float64Array[]) => pass.evaluate(t, { doublings: 4, barrier: 0 });
    const here = await at(theta);
    for (const [k, layer] of theta.entries()) {
      const moved = (by: number) =>
        theta.map((t, j) => (j === k ? t.map((x, i) => (i === 0 ? x + by : x)) : t));
      const difference = ((await at(moved(1e-5))).objective - (await at(moved(-1e-5))).objective) / 2e-5;
      close(here.gradient[k]![0]!, difference, 1e-6 + 1e-4 * Math.abs(difference));
      expect(layer.length).toBe(here.gradient[k]!.length);
    }
    pass.close();
  });
});

describe('frequencies at which multipliers do not dominate', () => {
  it.each(programs)('leave, and no others: %s', async (_, program) => {
    const { held } = await start(program);
    const first = program.segments[0]!;
    const steps = first.steps.filter(
      (step) => step.kind === 'nonlinearity' || (step.kind === 'maximum' && !step.cut),
    );
    if (steps.length === 0) return;
    const before = await outcomeOf(program, whole(program), held);
    const last = steps.length - 1;
    const tightness = before.seen[0]!.tightness[last]!;
    // Of the last step before the segment's end: what half of them fill.
    const middle = [...tightness].sort((a, b) => a - b)[tightness.length >> 1]!;
    const lower = held.map((h, k) => (k === last ? raised(h, Math.log(middle * 1.001)) : h));
    const outcome = await outcomeOf(program, whole(program), lower);
    const { left } = outcome.seen[0]!;
    if (left.every((k) => k < 0)) {
      expect(outcome.bound).toBeLessThan(Infinity);
      return;
    }
    expect(outcome.bound).toBe(Infinity);
    const gone = [...left.keys()].filter((k) => left[k]! >= 0);
    for (const k of gone) {
      expect(left[k]).toBe(last);
      expect(
        (
          await outcomeOf(
            program,
            only(program, (n) => (k < n ? [k] : [0])),
            lower,
          )
        ).seen[0]!.left[0],
      ).toBe(last);
    }
    const stay = [...left.keys()].filter((k) => left[k]! < 0);
    if (stay.length === 0) return;
    const rest = await outcomeOf(
      program,
      only(program, (n) => stay.filter((k) => k < n)),
      lower,
    );
    expect(rest.seen[0]!.left.every((k) => k < 0)).toBe(true);
    for (const [i, k] of stay.entries())
      close(rest.seen[0]!.tightness[last]![i]!, outcome.seen[0]!.tightness[last]![k]!, 1e-9);
  });

  it.each(programs)('stay where multipliers are raised: %s', async (_, program) => {
    const { held } = await start(program);
    const lower = held.map((h) => raised(h, -1.5));
    const raisedUp = await outcomeOf(program, whole(program), lower, { raise: true });
    expect(raisedUp.bound).toBeLessThan(Infinity);
    const again = await outcomeOf(program, whole(program), raisedUp.held);
    close(again.bound, raisedUp.bound, 1e-9);
  });
});

describe('behind a pooling that ends a segment', () => {
  const cut = programs.filter(([, { segments }]) =>
    segments.some(
      ({ steps, axes }, i) => i > 0 && axes > 0 && steps.some((step) => step.kind === 'nonlinearity'),
    ),
  );

  it.each(cut)('multipliers are held up to their scale: %s', async (_, program) => {
    const { held } = await start(program);
    const { bound } = await outcomeOf(program, whole(program), held);
    const first = nonlinearSteps(program).findIndex((step) => step.kind === 'maximum' && step.cut);
    for (const by of [-2, 0.7]) {
      const scaled = held.map((h, k) => (k >= first ? raised(h, by) : h));
      close((await outcomeOf(program, whole(program), scaled)).bound, bound, 1e-9);
    }
    const alone = held.map((h, k) => (k === first ? raised(h, 2) : h));
    expect((await outcomeOf(program, whole(program), alone)).bound).not.toBeCloseTo(bound, 3);
  });
});

it.each(programs)('a sweep’s multipliers are held as they are: %s', async (_, program) => {
  const [outcome] = await sweep(engine, program, {
    runs: [{ name: 'GC(1.5)' }],
    memory: 2e8,
    skips: new Map(),
  });
  const held = await heldFrom(engine, program, outcome!.layers);
  const { bound } = await outcomeOf(program, whole(program), held);
  const { mantissa, exponent } = outcome!.squared;
  const expected = 0.5 * (Math.log(mantissa) + exponent * Math.LN2);
  // A pooling's image is scaled onto the boundary.
  const pooled = nonlinearSteps(program).some((step) => step.kind === 'maximum');
  expect(bound).toBeLessThanOrEqual(expected + 1e-8);
  if (!pooled) close(bound, expected, 1e-8);
});
