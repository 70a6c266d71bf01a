/** The hunter bites: with a fault planted in the library a few networks are enough to find it. */
import { afterAll, describe, expect, it } from 'vitest';
import { largestEigenvector } from '../../attack/climb.ts';
import { ClosedFormHunt } from '../../attack/closedForms.ts';
import { DifferenceHunt } from '../../attack/differences.ts';
import type { Finding, Hunt } from '../../attack/hunt.ts';
import { LIBRARY, type Library } from '../../attack/library.ts';
import type { ModelDescription } from '../../attack/model/description.ts';
import { NetworkHunt } from '../../attack/networks.ts';
import { RegionHunt } from '../../attack/regions.ts';
import { shrunk } from '../../attack/shrink.ts';
import type { BoundResult } from '../../src/bounds/result.ts';

const open: Hunt[] = [];
afterAll(async () => {
  for (const hunt of open) await hunt.close?.();
});

/** What the first trials find. */
async function found(hunt: Hunt, trials: number): Promise<Finding | undefined> {
  open.push(hunt);
  for (let seed = 1; seed <= trials; seed++) {
    const finding = await hunt.trial(seed);
    if (finding) return finding;
  }
  return undefined;
}

const lowered = (result: BoundResult, factor: number): BoundResult => {
  const low = <T extends { bound: number | null; log10: number | null }>(row: T): T => ({
    ...row,
    bound: row.bound === null ? null : row.bound * factor,
    log10: row.log10 === null ? null : row.log10 + Math.log10(factor),
  });
  return { ...low(result), methods: result.methods.map(low) };
};

const faulty = (change: Partial<Library>): Library => ({ ...LIBRARY, ...change });

describe('the hunt of networks finds', () => {
  it('bounds that are a thousandth too low', async () => {
    const library = faulty({
      bound: async (network, options) => lowered(await LIBRARY.bound(network, options), 0.999),
    });
    const finding = await found(new NetworkHunt('networks', library, 300), 40);
    expect(finding?.fault).toMatch(/must be at least the slope/);
    expect([...finding!.files.keys()]).toContain('model.onnx');
  });

  it('claims of certificates that are too low', async () => {
    const library = faulty({
      certify: async (...args) => {
        const certificate = await LIBRARY.certify(...args);
        const { bound, log10 } = certificate.claim;
        return { ...certificate, claim: { bound: bound && bound / 2, log10: log10 - Math.log10(2) } };
      },
    });
    const finding = await found(new NetworkHunt('networks', library, 300), 40);
    expect(finding?.fault).toMatch(/claim of the certificate must be at least|just made must be accepted/);
  });

  it('errors that are no refusals', async () => {
    const library = faulty({
      bound: async () => {
        throw new TypeError('planted');
      },
    });
    const finding = await found(new NetworkHunt('networks', library, 300), 5);
    expect(finding?.fault).toMatch(/must give an answer or a refusal, threw TypeError: planted/);
  });

  it('bounds of any length that are those of the file', async () => {
    const library = faulty({
      bound: async (network, { length, smallestLength, cellTolerance, ...options } = {}) =>
        LIBRARY.bound(network, options),
    });
    const finding = await found(new NetworkHunt('lengths', library, 300), 60);
    expect(finding?.fault).toMatch(/must be at least the slope .* for inputs of/);
  });

  it('bounds in other norms that are those of ℓ2', async () => {
    const library = faulty({
      bound: async (network, { norm, outputNorm, sensitivities, method, ...options } = {}) =>
        LIBRARY.bound(network, { ...options, ...(method !== 'moduli-product' && method && { method }) }),
    });
    expect((await found(new NetworkHunt('norms', library, 300), 40))?.fault).toMatch(
      /must be at least the slope/,
    );
  });

  it('sensitivities that are a hundredth too low', async () => {
    const library = faulty({
      bound: async (network, options) => {
        const result = await LIBRARY.bound(network, options);
        const { sensitivities } = result;
        return sensitivities ? { ...result, sensitivities: sensitivities.map((s) => 0.99 * s) } : result;
      },
    });
    expect((await found(new NetworkHunt('norms', library, 300), 100))?.fault).toMatch(
      /the sensitivity of entry \d of the input must be at least/,
    );
  });

  it('constants that are a hundredth too low', async () => {
    const library = faulty({
      bound: async (network, options) => {
        const result = await LIBRARY.bound(network, options);
        return options?.method === 'exact' ? lowered(result, 0.99) : result;
      },
    });
    expect((await found(new NetworkHunt('pieces', library, 300), 40))?.fault).toMatch(
      /must be at least the slope|the lower bound must not be above/,
    );
  });
});

describe('the hunt of differences finds', () => {
  it.each([
    ['bound', /the bound of the difference must be at least/],
    ['gain', /the anchored bound within/],
    ['largest', /the outputs within .* are at most/],
  ] as const)('what is said of two networks a tenth too low: %s', async (what, pattern) => {
    const low = <T extends number | null>(value: T) => (value === null ? null : 0.9 * value);
    const library = faulty({
      difference: async (a, b, options) => {
        const result = await LIBRARY.difference(a, b, options);
        if (what === 'bound')
          return {
            ...result,
            bound: low(result.bound),
            log10: result.log10 && result.log10 + Math.log10(0.9),
          };
        return { ...result, region: { ...result.region!, [what]: low(result.region![what]) } };
      },
    });
    expect((await found(new DifferenceHunt(library), 40))?.fault).toMatch(pattern);
  });
});

describe('the hunt of regions finds', () => {
  it('local bounds that are a hundredth too low, of both kinds', async () => {
    for (const kind of ['anchored', 'incremental'] as const) {
      const library = faulty({
        localBound: async (network, centre, radius, options) =>
          (await LIBRARY.localBound(network, centre, radius, options)) * (options?.kind === kind ? 0.99 : 1),
      });
      const finding = await found(new RegionHunt(library), 30);
      expect(finding?.fault).toContain(`the ${kind} bound within`);
      expect([...finding!.files.keys()]).toContain('model.onnx');
    }
  });

  it('bounds within limits that are too low, of a ball and of all that keeps them', async () => {
    for (const kind of ['anchored', 'incremental'] as const) {
      const library = faulty({
        localBound: async (network, centre, radius, options) =>
          (await LIBRARY.localBound(network, centre, radius, options)) *
          (options?.kind === kind && options.domain ? 0.8 : 1),
      });
      expect((await found(new RegionHunt(library), 200))?.fault).toContain(`the ${kind} bound within limits`);
    }
    const small = faulty({
      localBound: async (network, centre, radius, options) =>
        LIBRARY.localBound(network, centre, radius, options).then((value) =>
          radius < Infinity ? value : 0.8 * value,
        ),
    });
    expect((await found(new RegionHunt(small), 300))?.fault).toContain(
      'the incremental bound within limits must',
    );
  });

  it('incremental bounds that are anchored', async () => {
    const library = faulty({
      localBound: async (network, centre, radius, options) =>
        LIBRARY.localBound(network, centre, radius, { ...options, kind: 'anchored' }),
    });
    expect((await found(new RegionHunt(library), 200))?.fault).toContain('the incremental bound within');
  });

  it('proofs of balls that are a quarter smaller', async () => {
    const library = faulty({
      createRegionProver: async (network, options) => {
        const prover = await LIBRARY.createRegionProver(network, options);
        return {
          ...prover,
          prove: (questions, effort) =>
            prover.prove(
              questions.map((question) => ({ ...question, radius: 0.75 * question.radius })),
              effort,
            ),
        };
      },
      certifySamples: async function* (network, samples, options) {
        for await (const report of LIBRARY.certifySamples(network, samples, options)) {
          const radius = String(options!.radii![0]);
          yield { ...report, certified: { [radius]: false }, stages: { [radius]: 'global' } };
        }
      },
    });
    expect((await found(new RegionHunt(library), 200))?.fault).toMatch(
      /must be the largest within .* proven by/,
    );
  });

  it('labels that nobody has proven', async () => {
    const library = faulty({
      certifySamples: async function* (network, samples, options) {
        for await (const report of LIBRARY.certifySamples(network, samples, options)) {
          const radius = String(options!.radii![0]);
          yield { ...report, certified: { [radius]: true }, stages: { [radius]: 'moving centre' } };
        }
      },
    });
    expect((await found(new RegionHunt(library), 30))?.fault).toMatch(
      /must be the largest within .* certified by/,
    );
  });
});

it('the hunt of closed forms finds bounds that are a millionth too low', async () => {
  const library = faulty({
    bound: async (network, options) => lowered(await LIBRARY.bound(network, options), 1 - 1e-6),
  });
  expect(await found(new ClosedFormHunt(), 15)).toBeUndefined();
  expect((await found(new ClosedFormHunt(library), 15))?.fault).toMatch(/must not be below/);
});

it('models shrink to what the fault needs', async () => {
  const tensor = { type: 'float', dims: [1], values: [0.123] } as const;
  const model: ModelDescription = {
    opset: 13,
    input: { name: 'x', type: 'float', dims: [1, 6] },
    output: 'e',
    initializers: { c: tensor, d: tensor },
    nodes: [
      { op: 'Mul', inputs: ['x', 'c'], outputs: ['a'], attributes: {} },
      { op: 'Tanh', inputs: ['a'], outputs: ['b'], attributes: {} },
      { op: 'Abs', inputs: ['b'], outputs: ['unused'], attributes: {} },
      { op: 'Mul', inputs: ['b', 'd'], outputs: ['e'], attributes: {} },
    ],
    functions: [],
  };
  const small = await shrunk(model, async ({ nodes }) => nodes.some(({ op }) => op === 'Tanh'));
  expect(small.nodes.map(({ op }) => op)).toEqual(['Tanh']);
  expect(small.input.dims).toEqual([1, 1]);
  expect(small.initializers).toEqual({});
});

it('eigenvectors are those of the largest eigenvalue', () => {
  const v = largestEigenvector([
    Float64Array.of(2, 1, 0),
    Float64Array.of(1, 2, 0),
    Float64Array.of(0, 0, 1),
  ]);
  expect(Math.abs(v[0]! - v[1]!)).toBeLessThan(1e-12);
  expect(Math.abs(v[2]!)).toBeLessThan(1e-12);
});
