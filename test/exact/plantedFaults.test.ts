/** Faults that are planted into the search: what proves its claims catches them, and without it the enumeration of regions does. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { Random } from '../support/random.ts';
import { type Layer, largestSlope } from './regions.ts';

const ROUNDING = 1e-9;
const NETWORKS = 12;

/** Networks, boxes and their constants. */
const CASES = Array.from({ length: NETWORKS }, (_, k) => {
  const random = new Random(100 + k);
  const sizes = [3, 5, 4, 1];
  const layers = sizes.slice(1).map(
    (rows, n): Layer => ({
      weight: Array.from({ length: rows }, () => [...random.normals(sizes[n]!)]),
      bias: [...random.normals(rows, 0.5)],
    }),
  );
  const network = NetworkBuilder.fromDense(
    layers.map((layer, n) => ({ ...layer, ...(n < 2 && { activation: 'relu' as const }) })),
  );
  const box = k % 2 === 0 ? undefined : 1;
  return { network, box, truth: largestSlope(layers, { name: 'relu' }, box) };
});

/** How many answers are wrong, of an implementation that is loaded with what has been mocked; and how often it contradicts itself. */
async function wrong(): Promise<{ above: number; below: number; contradicted: number }> {
  const { exactConstant } = await import('../../src/exact/exact.ts');
  let [above, below, contradicted] = [0, 0, 0];
  for (const { network, box, truth } of CASES) {
    const side = (at: number) => new Float64Array(3).fill(at);
    const domain = box === undefined ? {} : { box: { low: side(-box), high: side(box) } };
    try {
      const { upper, lower } = await exactConstant(network, domain);
      if (upper < truth * (1 - ROUNDING)) above++;
      if (lower > truth * (1 + ROUNDING)) below++;
    } catch (error) {
      // Whoever takes the whole domain for empty, or attains more than is proven, is told.
      if (!/no input is in both|please report/.test(String(error))) throw error;
      contradicted++;
    }
  }
  return { above, below, contradicted };
}

const MINIMUM_NORM = '../../src/exact/empty/minimumNorm.ts';
const REFUTER = '../../src/exact/empty/refuter.ts';
const PROVEN = '../../src/exact/above/proven.ts';
const PROVEN_SLOPE = '../../src/exact/below/provenSlope.ts';

/** A solver that calls every fifth cone empty, whatever it is. */
async function mockLyingSolver() {
  const actual = await vi.importActual<typeof import('../../src/exact/empty/minimumNorm.ts')>(MINIMUM_NORM);
  let calls = 0;
  class Lying extends actual.MinimumNorm {
    override solve(...call: Parameters<InstanceType<typeof actual.MinimumNorm>['solve']>) {
      const outcome = super.solve(...call);
      return ++calls % 5 === 0 ? 'empty' : outcome;
    }
  }
  vi.doMock(MINIMUM_NORM, () => ({ ...actual, MinimumNorm: Lying }));
}

/** Nobody looks whether what the solver calls empty is proven to be. */
async function mockBelief() {
  const actual = await vi.importActual<typeof import('../../src/exact/empty/refuter.ts')>(REFUTER);
  class Believing extends actual.Refuter {
    override refute() {
      return { multipliers: new Float64Array(0), relative: new Int8Array(0), movable: [] };
    }
  }
  vi.doMock(REFUTER, () => ({ ...actual, Refuter: Believing }));
}

/** No slope is known, so that the bound stands on the nodes alone. */
function mockBlindness() {
  vi.doMock(PROVEN_SLOPE, () => ({ provenSlope: () => 0 }));
}

describe('planted faults', { timeout: 120_000 }, () => {
  afterEach(() => {
    for (const path of [MINIMUM_NORM, REFUTER, PROVEN, PROVEN_SLOPE]) vi.doUnmock(path);
    vi.resetModules();
  });

  it('are none where nothing is planted', async () => {
    expect(await wrong()).toEqual({ above: 0, below: 0, contradicted: 0 });
    vi.resetModules();
    mockBlindness();
    expect(await wrong()).toEqual({ above: 0, below: 0, contradicted: 0 });
  });

  it('of a solver that calls regions empty are caught by the proof', async () => {
    mockBlindness();
    await mockLyingSolver();
    expect(await wrong()).toMatchObject({ above: 0, contradicted: 0 });
  });

  it('of a solver that is believed are caught by the regions, or by the search itself', async () => {
    mockBlindness();
    await mockLyingSolver();
    await mockBelief();
    const { above, contradicted } = await wrong();
    expect(above + contradicted).toBeGreaterThan(0);
  });

  it('of bounds that are a little too small are caught by the regions, or by the search itself', async () => {
    mockBlindness();
    const actual = await vi.importActual<typeof import('../../src/exact/above/proven.ts')>(PROVEN);
    class Generous extends actual.Prover {
      override boundOf(...call: Parameters<InstanceType<typeof actual.Prover>['boundOf']>) {
        return super.boundOf(...call) * (1 - 1e-7);
      }
    }
    vi.doMock(PROVEN, () => ({ ...actual, Prover: Generous }));
    const { above, contradicted } = await wrong();
    expect(above + contradicted).toBeGreaterThan(0);
  });

  it('of slopes that are a little too steep are caught by the regions, or by the search itself', async () => {
    const { provenSlope } =
      await vi.importActual<typeof import('../../src/exact/below/provenSlope.ts')>(PROVEN_SLOPE);
    vi.doMock(PROVEN_SLOPE, () => ({
      provenSlope: (...call: Parameters<typeof provenSlope>) => provenSlope(...call) * (1 + 1e-7),
    }));
    const { below, contradicted } = await wrong();
    expect(below + contradicted).toBeGreaterThan(0);
  });
});
