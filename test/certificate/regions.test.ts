/** Certificates of regions: those of searches are accepted, whatever is accepted is true, and what is no certificate is refused. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certifyRegion, type RegionProof } from '../../src/certificate/certifyRegion.ts';
import { Refusal } from '../../src/certificate/checker/refusal.ts';
import { decodeValues, encodeValues } from '../../src/certificate/fields.ts';
import type { RegionCertificate } from '../../src/certificate/regionFormat.ts';
import { checkRegion, type Region } from '../../src/certificate/regions/check.ts';
import { graphOf } from '../../src/certificate/regions/graph.ts';
import { verifyRegion } from '../../src/certificate/verifyRegion.ts';
import { createRegionProver } from '../../src/certify/proofs/regionProver.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { UnsupportedError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';
import type { Network, TensorId } from '../../src/network/network.ts';
import { product } from '../../src/network/size.ts';
import { type Ball, leastOf, startsIn } from '../support/ball.ts';
import {
  affine,
  convolution,
  FAMILIES,
  maxPool,
  nonlinearity,
  plans,
  residual,
} from '../support/families.ts';
import { Random } from '../support/random.ts';
import { type LayerPlan, networkOf } from '../support/randomNetwork.ts';
import { patience, runs } from '../support/runs.ts';
import { sourced } from './networks.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

/** What rounding of plain evaluation may be off by. */
const NOISE = 1e-9;
/** Milliseconds that nothing about a small network may take. */
const PATIENCE = 20_000;

const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 });

/** Without the softmax at its end, which checkers leave off. */
function withoutSoftmax(network: Network): Network {
  const last = network.nodes.find(({ output }) => output === network.output);
  return last?.operator.kind === 'softmax' ? { ...network, output: last.inputs[0]! } : network;
}

/** A region around a random point, limited now and then. */
function randomRegion(network: Network, radius: number, random: Random): Region {
  const centre = random.normals(product(network.tensors[network.input]!.shape));
  const limited = random.uniform() < 0.3;
  const side = (x: number) => centre.map(() => x);
  const limits = limited
    ? { low: side(Math.min(...centre) - 0.1), high: side(Math.max(...centre) + 0.1) }
    : null;
  const values = evaluate(network, centre);
  return { centre, label: values.indexOf(Math.max(...values)), radius, scale: null, limits };
}

async function proofOf(
  network: Network,
  { centre, label, radius, limits }: Region,
  evaluations = 12,
): Promise<{ proof: RegionProof; margin: number } | undefined> {
  const prover = await createRegionProver(network, { engine });
  const question = { centre, label, radius, ...(limits && { limits }) };
  const [answer] = await prover.prove([question], { evaluations, proof: true });
  expect(answer!.proof !== undefined).toBe(answer!.certified);
  const margin = Math.min(...[...answer!.margins].filter((_, j) => j !== label));
  return answer!.proof && { proof: answer!.proof, margin };
}

function ballOf({ centre, radius, limits }: Region): Ball {
  return { centre, radius, ...(limits && { limits: { low: limits.low[0]!, high: limits.high[0]! } }) };
}

/** The least f_label − f_j that ascent finds in the region, less what rounding of it may be. */
function leastFound(network: Network, region: Region, j: number, random: Random, starts = 4): number {
  const values = evaluate(network, region.centre);
  const weights = new Float64Array(values.length);
  [weights[region.label], weights[j]] = [1, -1];
  const ball = ballOf(region);
  const noise = NOISE * (1 + Math.max(...values.map(Math.abs)));
  return leastOf(network, weights, ball, startsIn(ball, random, starts), 8).value + noise;
}

/** Multipliers as the checker takes them. */
function given({ layers, centres }: RegionProof): Parameters<typeof checkRegion>[2] {
  const values = (of: Float64Array) => ({ count: of.length, values: () => of });
  return {
    layers: layers.map(({ name, multipliers }) => ({ name, multipliers: values(multipliers) })),
    centres: centres.map(({ offset, layers: own }) => ({
      offset: offset && values(offset),
      layers: own.map(({ name, multipliers, spread, middle }) => ({
        name,
        multipliers: values(multipliers),
        spread: values(spread),
        middle: values(middle),
      })),
    })),
  };
}

const pause = async () => {};

describe.each(Object.entries(FAMILIES))('%s', (_, family) => {
  it('are certified, and what is certified is true', { timeout: patience() }, async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(family, fc.constantFrom(1e-6, 0.01, 0.1, 1), seed, async (plan, radius, seed) => {
        const whole = sourced(networkOf(plan));
        const network = withoutSoftmax(whole);
        const { shape } = network.tensors[network.output]!;
        if (product(shape) < 2 || (network !== whole && shape.length > 1)) return;
        const random = new Random(seed);
        const region = randomRegion(network, radius, random);
        const found = await proofOf(whole, region);
        if (!found) return;
        const certificate = await certifyRegion(whole, region, found.proof).catch((error: unknown) => {
          // Of what moves by rounding alone the checker may say more.
          if (!(error instanceof UnsupportedError)) throw error;
          refused++;
        });
        if (!certificate) return;
        const verdict = await verifyRegion(whole, JSON.parse(JSON.stringify(certificate)));
        expect(verdict.accepted, verdict.reason).toBe(true);
        expect(verdict.region).toEqual({ label: region.label, radius });
        for (let j = 0; j < Math.min(evaluate(network, region.centre).length, 6); j++) {
          if (j === region.label) continue;
          expect(verdict.margin!).toBeLessThanOrEqual(leastFound(network, region, j, random));
        }
      }),
      { numRuns: runs(8) },
    );
    expect(refused).toBeLessThanOrEqual(runs(1));
  });
});

const relu = fc.constant({ name: 'relu' } as const);

it('moving centres prove elsewhere what they prove here', { timeout: patience() }, async () => {
  const ending = (layers: fc.Arbitrary<LayerPlan[]>, axes: 0 | 2) =>
    plans({
      axes,
      layers: layers.map((all) => [...all, { kind: 'affine', outputs: 3 } as const]),
      weights: fc.constant('normal'),
    });
  const vectors = fc.oneof({ weight: 2, arbitrary: affine }, nonlinearity(relu), residual(relu));
  const images = fc.oneof(convolution, nonlinearity(relu), maxPool);
  const networks = fc.oneof(
    { weight: 3, arbitrary: ending(fc.array(vectors, { minLength: 2, maxLength: 5 }), 0) },
    { weight: 1, arbitrary: ending(fc.array(images, { minLength: 2, maxLength: 3 }), 2) },
  );
  let moved = 0;
  /** Where what moves by rounding alone makes a difference: two equal samples under a maximum. */
  let far = 0;
  let limited = 0;
  await fc.assert(
    fc.asyncProperty(networks, seed, async (plan, seed) => {
      const whole = sourced(networkOf(plan));
      const network = withoutSoftmax(whole);
      const random = new Random(seed);
      const { centre, label } = randomRegion(network, 1, random);
      const limits =
        random.uniform() < 0.5
          ? null
          : {
              low: centre.map((x) => x - random.uniform()),
              high: centre.map((x) => x + random.uniform()),
            };
      for (let radius = 1.5; radius > 0.01; radius *= 0.7) {
        const region = { centre, label, radius, scale: null, limits };
        const found = await proofOf(whole, region, 20);
        if (!found) continue;
        if (found.proof.centres.length === 0) return;
        moved++;
        const certificate = await certifyRegion(whole, region, found.proof).catch((error: unknown) => {
          if (!(error instanceof UnsupportedError)) throw error;
        });
        if (!certificate) return void far++;
        if (found.proof.centres.some(({ offset }) => offset?.some((x) => x !== 0))) limited++;
        const { accepted, margin } = await verifyRegion(whole, certificate);
        expect(accepted).toBe(true);
        const size = 1 + Math.max(...evaluate(network, region.centre).map(Math.abs));
        if (!(Math.abs(margin! - found.margin) < 1e-6 * size)) far++;
        return;
      }
    }),
    { numRuns: runs(100) },
  );
  expect(moved).toBeGreaterThan(runs(12));
  expect(far).toBeLessThan(0.2 * moved);
  expect(limited).toBeGreaterThan(runs(2));
});

describe('multipliers that nobody has searched', () => {
  const networks = plans({
    axes: 0,
    layers: fc.array(fc.oneof({ weight: 2, arbitrary: affine }, nonlinearity(relu), residual(relu)), {
      minLength: 2,
      maxLength: 5,
    }),
    weights: fc.constantFrom('normal', 'integers'),
  });

  it('prove nothing that a point of the region breaks', { timeout: patience() }, async () => {
    let told = 0;
    await fc.assert(
      fc.asyncProperty(networks, fc.constantFrom(0.05, 0.3, 1), seed, async (plan, radius, seed) => {
        const network = withoutSoftmax(networkOf(plan));
        const outputs = product(network.tensors[network.output]!.shape);
        if (outputs < 2) return;
        const random = new Random(seed);
        const region = { ...randomRegion(network, radius, random), label: random.integer(0, outputs - 1) };
        const names = reluLayers(network);
        const some = (n: number, value: () => number) => Float64Array.from({ length: n }, value);
        // Large enough to dominate most of the time, in units that nobody knows.
        const unit = 4 ** random.integer(-2, 6);
        const layer = ({ name, size }: { name: string; size: number }) => {
          const multipliers = some(size, () => unit * 2 ** (4 * random.uniform()));
          const spread = multipliers.map((d) => d * 2 ** (-6 * random.uniform()));
          return { name, multipliers, spread, middle: some(size, () => 1.2 * random.uniform() - 0.1) };
        };
        const offset = region.limits && region.centre.map(() => 0.2 * random.normal());
        const proof = {
          layers: names.map(layer).map(({ name, multipliers }) => ({ name, multipliers })),
          centres: [
            { offset, layers: names.map(layer) },
            { offset: null, layers: names.map(layer) },
          ],
        };
        // The largest part of it that the checker makes something of.
        for (const centres of [proof.centres, proof.centres.slice(0, 1), []]) {
          const margins = await checkRegion(network, region, given({ ...proof, centres }), pause).catch(
            (error: unknown) => {
              if (!(error instanceof Refusal)) throw error;
            },
          );
          if (!margins) continue;
          told++;
          for (let j = 0; j < outputs; j++)
            if (j !== region.label)
              expect(margins[j]!).toBeLessThanOrEqual(leastFound(network, region, j, random, 8));
          break;
        }
      }),
      { numRuns: runs(150) },
    );
    expect(told).toBeGreaterThan(runs(50));
  });
});

/** The names and sizes of ReLUs, stage by stage. */
function reluLayers(network: Network): { name: string; size: number }[] {
  return graphOf(network, null).steps.flatMap((step) =>
    step.kind === 'stage' ? step.parts.map(({ name, size }) => ({ name, size })) : [],
  );
}

/** 3-6-6-3 with ReLUs, as if from a file. */
function smallNetwork(): Network {
  const random = new Random(3);
  const b = new NetworkBuilder('small');
  let x: TensorId = b.input('x', [3]);
  for (const [k, [outputs, inputs]] of [
    [6, 3],
    [6, 6],
    [3, 6],
  ].entries() as IterableIterator<[number, [number, number]]>) {
    const weight = random.normals(outputs * inputs, 0.6);
    x = b.add(
      `linear_${k}`,
      { kind: 'affine', outputs, inputs, weight, bias: random.normals(outputs, 0.3) },
      [x],
    );
    if (k < 2) x = b.add(`relu_${k}`, { kind: 'nonlinearity', function: { name: 'relu' } }, [x]);
  }
  return sourced(b.build(x));
}

describe('certificates that somebody has tampered with', () => {
  const network = smallNetwork();
  let certificates: RegionCertificate[];
  beforeAll(async () => {
    // As far as a moving centre goes, without limits and with some, and what a closed form proves.
    const centre = Float64Array.of(0.4, -0.3, 0.2);
    const values = evaluate(network, centre);
    const label = values.indexOf(Math.max(...values));
    const limits = { low: centre.map((x) => x - 0.3), high: centre.map((x) => x + 0.2) };
    certificates = [];
    for (const [given, evaluations] of [
      [null, 30],
      [limits, 30],
      [null, 0],
    ] as const) {
      for (let radius = 4; ; radius *= 0.96) {
        expect(radius).toBeGreaterThan(0.05);
        const region = { centre, label, radius, scale: null, limits: given };
        const found = await proofOf(network, region, evaluations);
        if (!found) continue;
        certificates.push(await certifyRegion(network, region, found.proof));
        break;
      }
    }
    expect(certificates[0]!.centres.length).toBeGreaterThan(0);
    expect(certificates[1]!.centres.some(({ offset }) => offset !== null)).toBe(true);
    expect(certificates[2]!.centres).toEqual([]);
  });

  async function attempt(certificate: unknown) {
    const start = performance.now();
    const verdict = await verifyRegion(network, certificate);
    expect(performance.now() - start).toBeLessThan(PATIENCE);
    if (!verdict.accepted) expect(verdict.reason).toMatch(/./);
    expect(verdict.accepted).toBe(verdict.margin !== null && verdict.margin > 0);
    return verdict;
  }

  /** The least margin that is found in what a certificate claims. */
  function least({ region }: RegionCertificate, random: Random): number {
    const centre = decodeValues(region.centre, '');
    const { label, radius, limits } = region;
    const scale = region.scale === null ? Float64Array.of(1) : decodeValues(region.scale, '');
    const [low, high] = [limits?.low, limits?.high].map((side) =>
      side === undefined ? undefined : decodeValues(side, ''),
    );
    let found = Infinity;
    for (const start of startsIn({ centre, radius }, random, 60)) {
      const x = start.map((v, i) => Math.min(Math.max(v, low?.[i] ?? -Infinity), high?.[i] ?? Infinity));
      const values = evaluate(
        network,
        x.map((v, i) => v * scale[i % scale.length]!),
      );
      for (const [j, value] of values.entries())
        if (j !== label) found = Math.min(found, values[label]! - value);
    }
    return found + NOISE;
  }

  /** An input of another class. */
  function otherwise(label: number): Float64Array {
    const random = new Random(1);
    for (;;) {
      const x = random.normals(3, 2);
      const values = evaluate(network, x);
      if (values.indexOf(Math.max(...values)) !== label) return x;
    }
  }

  type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
  const ODD: readonly Json[] = [
    null,
    true,
    '',
    'NaN',
    -1,
    0,
    1e308,
    1e-320,
    0.5,
    2 ** 53,
    [],
    {},
    'x'.repeat(1e5),
  ];

  function mutated(certificate: RegionCertificate, random: Random): unknown {
    const copy = JSON.parse(JSON.stringify(certificate)) as { [key: string]: Json };
    const places: { holder: { [key: string | number]: Json }; key: string | number }[] = [];
    const visit = (holder: { [key: string | number]: Json }) => {
      for (const key of Object.keys(holder)) {
        places.push({ holder, key });
        const value = holder[key]!;
        if (typeof value === 'object' && value !== null) visit(value as typeof holder);
      }
    };
    visit(copy);
    const pick = <T>(list: readonly T[]) => list[random.integer(0, list.length - 1)]!;
    const { holder, key } = pick(places);
    const arrays = places.filter((place) => {
      const value = place.holder[place.key];
      return typeof value === 'string' && /^[A-Za-z0-9+/]{22,}=*$/.test(value) && place.key !== 'sha256';
    });
    const old = holder[key]!;
    switch (random.integer(0, 6)) {
      case 0:
        holder[key] = pick(ODD);
        break;
      case 1:
        if (Array.isArray(holder)) (holder as Json[]).splice(Number(key), 1);
        else delete holder[key];
        break;
      case 2:
        holder[key] =
          typeof old === 'number' ? old * (1 + pick([1e-15, 1e-9, 0.01, -0.01, 1, -0.5])) : pick(ODD);
        break;
      case 3:
        if (Array.isArray(old)) holder[key] = [...old, ...old];
        else holder[key] = [old, old];
        break;
      case 4: {
        const [a, b] = [pick(arrays), pick(arrays)];
        [a.holder[a.key], b.holder[b.key]] = [b.holder[b.key]!, a.holder[a.key]!];
        break;
      }
      default: {
        const place = pick(arrays);
        const values = decodeValues(place.holder[place.key] as string, '');
        const k = random.integer(0, values.length - 1);
        values[k] =
          values[k]! * pick([0, -1, 1 - 1e-12, 0.99, 0.5, 1.1, 3, 1e3, 1e200, Number.NaN, Infinity]);
        place.holder[place.key] = encodeValues(values);
      }
    }
    return copy;
  }

  it('prove what they prove or are refused', { timeout: patience() }, async () => {
    const random = new Random(5);
    let accepted = 0;
    for (let k = 0; k < runs(600); k++) {
      const document = mutated(certificates[k % certificates.length]!, random);
      const verdict = await attempt(document);
      if (!verdict.accepted) continue;
      accepted++;
      expect(verdict.margin!).toBeLessThanOrEqual(least(document as RegionCertificate, random));
    }
    expect(accepted).toBeGreaterThan(0.05 * runs(600));
    expect(accepted).toBeLessThan(0.6 * runs(600));
  });

  type Change = (c: RegionCertificate) => unknown;
  const array = (...values: number[]) => encodeValues(Float64Array.from(values));
  const region =
    (change: object): Change =>
    (c) => ({ ...c, region: { ...c.region, ...change } });
  const firstLayer =
    (change: object): Change =>
    (c) => ({
      ...c,
      layers: c.layers.map((layer, k) => (k === 0 ? { ...layer, ...change } : layer)),
    });
  const firstCentre =
    (change: object): Change =>
    (c) => ({
      ...c,
      centres: c.centres.map((centre) => ({
        ...centre,
        layers: centre.layers.map((layer, k) => (k === 0 ? { ...layer, ...change } : layer)),
      })),
    });
  const changes: readonly (readonly [string, Change, RegExp])[] = [
    [
      'another hash',
      (c) => ({ ...c, network: { ...c.network, sha256: 'a'.repeat(64) } }),
      /another network: the SHA/,
    ],
    [
      'another output',
      (c) => ({ ...c, network: { ...c.network, output: 'z' } }),
      /another network: the output/,
    ],
    ['another format', (c) => ({ ...c, format: 'lipsoid-certificate' }), /format: must be/],
    ['another version', (c) => ({ ...c, version: 2 }), /version: must be 1/],
    ['a member too many', (c) => ({ ...c, margin: 1 }), /must be the members/],
    [
      'a larger radius',
      (c) => ({ ...c, region: { ...c.region, radius: 3 * c.region.radius } }),
      /multipliers (prove|say|do not)/,
    ],
    ['a radius of 0', region({ radius: 0 }), /radius: must be a number above 0/],
    ['a radius that is none', region({ radius: null }), /radius: must be/],
    [
      'another label',
      (c) => ({ ...c, region: { ...c.region, label: (c.region.label + 1) % 3 } }),
      /prove output/,
    ],
    ['a label that is no output', region({ label: 3 }), /label: must be an output, of 3, got 3/],
    ['an input of another length', region({ centre: array(0.4, -0.3) }), /input: must be 3 finite numbers/],
    ['an input with NaN', region({ centre: array(0.4, Number.NaN, 0.2) }), /input: must be 3 finite numbers/],
    [
      'another input',
      (c) => ({ ...c, region: { ...c.region, centre: array(...otherwise(c.region.label)) } }),
      /multipliers (prove|say|do not)/,
    ],
    ['a scale', region({ scale: array(9) }), /multipliers (prove|say|do not)/],
    ['a negative scale', region({ scale: array(-1) }), /scale: must be/],
    [
      'limits without the input',
      region({ limits: { low: array(1, 1, 1), high: array(2, 2, 2) } }),
      /limits: must be/,
    ],
    ['a layer too many', (c) => ({ ...c, layers: [...c.layers, c.layers[0]!] }), /layers: must be 2, got 3/],
    ['a layer too few', (c) => ({ ...c, layers: c.layers.slice(0, 1) }), /layers: relu_1 expected, got none/],
    [
      'layers in another order',
      (c) => ({ ...c, layers: [...c.layers].reverse() }),
      /layers: relu_0 expected, got relu_1/,
    ],
    [
      'a negative multiplier',
      firstLayer({ multipliers: array(-1, 1, 1, 1, 1, 1) }),
      /needs positive numbers/,
    ],
    [
      'a multiplier of NaN',
      firstLayer({ multipliers: array(1, 1, 1, 1, 1, Number.NaN) }),
      /needs positive numbers/,
    ],
    [
      'a multiplier beyond the range',
      firstLayer({ multipliers: array(1, 1, 1, 1, 1, 1e90) }),
      /needs positive numbers/,
    ],
    ['too few multipliers', firstLayer({ multipliers: array(1, 1) }), /needs 6 numbers, got 2/],
    ['no base64', firstLayer({ multipliers: '*'.repeat(64) }), /base64/],
    ['very many multipliers', firstLayer({ multipliers: 'A'.repeat(2 ** 24) }), /at most 1048576 numbers/],
    ['multipliers without end', firstLayer({ multipliers: 'A'.repeat(2 ** 20 * 4) }), /needs 6 numbers, got/],
    ['multipliers that are a number', firstLayer({ multipliers: 4 }), /must be a string/],
  ];
  const moved: typeof changes = [
    [
      'small multipliers',
      (c) => ({
        ...c,
        layers: c.layers.map((layer) => ({ ...layer, multipliers: array(...new Array(6).fill(1e-6)) })),
      }),
      /do not dominate/,
    ],
    ['a centre too few', (c) => ({ ...c, centres: [] }), /multipliers prove output/],
    ['a negative spread', firstCentre({ spread: array(-1, 1, 1, 1, 1, 1) }), /needs positive numbers/],
    ['a spread of NaN', firstCentre({ spread: array(Number.NaN, 1, 1, 1, 1, 1) }), /needs positive numbers/],
    ['a middle without end', firstCentre({ middle: array(Infinity, 0, 0, 0, 0, 0) }), /needs finite numbers/],
    [
      'an offset without limits',
      (c) => ({ ...c, centres: c.centres.map((own) => ({ ...own, offset: array(1, 1, 1) })) }),
      /offset: must go with limits/,
    ],
    [
      'a layer of a centre too few',
      (c) => ({ ...c, centres: c.centres.map((own) => ({ ...own, layers: own.layers.slice(1) })) }),
      /layers: relu_0 expected, got relu_1/,
    ],
  ];
  it.each([
    ...changes.map((change) => [2, ...change] as const),
    ...moved.map((change) => [0, ...change] as const),
  ])('certificate %i with %s: refused with the reason', async (which, _, change, reason) => {
    const original = certificates[which]!;
    expect((await attempt(original)).accepted).toBe(true);
    const { accepted, reason: given } = await attempt(change(original));
    expect(accepted).toBe(false);
    expect(given).toMatch(reason);
  });

  it('of another network: refused, or as true there', async () => {
    const [first] = certificates;
    const { nodes } = network;
    const other = {
      ...network,
      nodes: nodes.map((node, k) =>
        k === 0 && node.operator.kind === 'affine'
          ? {
              ...node,
              operator: { ...node.operator, weight: Float64Array.from(node.operator.weight, (w) => -w) },
            }
          : node,
      ),
    };
    expect((await verifyRegion(other, first)).accepted).toBe(false);
  });

  it('of a network with one output: nothing to be larger than', async () => {
    const [first] = certificates;
    const builder = new NetworkBuilder('one');
    const { input } = first!.network;
    const weight = new Float64Array(input[0]!).fill(1);
    const affine = { kind: 'affine', outputs: 1, inputs: weight.length, weight } as const;
    const one = builder.build(builder.add('sum', affine, [builder.input('x', [weight.length])]));
    const { accepted, margin, reason } = await verifyRegion(
      { ...one, source: network.source! },
      {
        ...first!,
        network: { ...first!.network, name: 'one', output: 'sum' },
        region: { ...first!.region, label: 0 },
        ...{ layers: [], centres: [] },
      },
    );
    expect({ accepted, margin }).toEqual({ accepted: false, margin: null });
    expect(reason).toMatch(/two numbers at least/);
  });

  it.each([null, 3, 'text', [], {}])('%j is none', async (document) => {
    expect(await attempt(document)).toMatchObject({ accepted: false, region: null });
  });
});

it('a scale in front of the network moves what it reads', async () => {
  // The network reads s · x: as much as another network whose first weights are scaled.
  const network = smallNetwork();
  const scale = Float64Array.of(0.5, 2, 1.5);
  const centre = Float64Array.of(0.3, -0.1, 0.2);
  const [first, ...rest] = network.nodes;
  const { operator } = first!;
  if (operator.kind !== 'affine') throw new Error('an affine layer comes first');
  const scaled = { ...operator, weight: Float64Array.from(operator.weight, (w, k) => w * scale[k % 3]!) };
  const other = { ...network, nodes: [{ ...first!, operator: scaled }, ...rest] };
  const values = evaluate(other, centre);
  const label = values.indexOf(Math.max(...values));
  const region = { centre, label, radius: 0.01, scale: null, limits: null };
  const { proof } = (await proofOf(other, region))!;
  const [margins, through] = [
    await checkRegion(other, region, given(proof), pause),
    await checkRegion(network, { ...region, scale }, given(proof), pause),
  ];
  for (const [j, margin] of margins.entries())
    if (j !== label) expect(Math.abs(margin / through[j]! - 1)).toBeLessThan(1e-8);
});

it('what the checker does not cover is named', async () => {
  const b = new NetworkBuilder('smooth');
  const x = b.add('tanh', { kind: 'nonlinearity', function: { name: 'tanh' } }, [b.input('x', [2])]);
  const network = sourced(b.build(x));
  const region = { centre: Float64Array.of(1, 0), label: 0, radius: 0.1, scale: null, limits: null };
  const layers = [{ name: 'tanh', multipliers: Float64Array.of(4, 4) }];
  const centre = {
    name: 'tanh',
    multipliers: Float64Array.of(4, 4),
    spread: Float64Array.of(1, 1),
    middle: Float64Array.of(0.5, 0.5),
  };
  await expect(certifyRegion(network, region, { layers, centres: [] })).resolves.toMatchObject({
    centres: [],
  });
  const moved = certifyRegion(network, region, { layers, centres: [{ offset: null, layers: [centre] }] });
  await expect(moved).rejects.toThrow(UnsupportedError);
  await expect(moved).rejects.toMatchObject({
    items: [{ reason: 'tanh: a centre moves through ReLUs alone, got tanh' }],
  });
});

describe('numbers that are too small for float64: refused, or nothing proven that is not so', () => {
  /** A chain from one number to two: scales, a ReLU, and outputs 1 − 10 φ and 0. */
  function chain(before: readonly number[], bias: number, after: readonly number[]): Network {
    const b = new NetworkBuilder('small numbers');
    let x = b.input('x', [1]);
    const scale = (factor: number) => b.add('', { kind: 'scale', scale: Float64Array.of(factor) }, [x]);
    for (const factor of before) x = scale(factor);
    const one = {
      kind: 'affine',
      outputs: 1,
      inputs: 1,
      weight: Float64Array.of(1),
      bias: Float64Array.of(bias),
    } as const;
    x = b.add('', one, [x]);
    x = b.add('relu', { kind: 'nonlinearity', function: { name: 'relu' } }, [x]);
    for (const factor of after) x = scale(factor);
    const last = { weight: Float64Array.of(-10, 0), bias: Float64Array.of(1, 0) };
    return b.build(b.add('', { kind: 'affine', outputs: 2, inputs: 1, ...last }, [x]));
  }

  const tiny = 1e-30;
  const [down, up] = [new Array(12).fill(tiny), new Array(12).fill(1 / tiny)];
  it.each([
    ['between the steps of one linear part', chain([...down, ...up], -0.5, []), 1.5, null, -9],
    ['and limits beside them', chain([...down, ...up], -0.5, []), 1.5, 2, -9],
    ['squares of composed weights', chain(down.slice(0, 6), -1e-190, up.slice(0, 6)), 1e15, 1e14, -9e14],
    ['squares of reaches', chain(down.slice(0, 6), -0.5 * tiny ** 6, up.slice(0, 6)), 1.5, null, -9],
    ['small radii', chain([], -0.5e-29, up.slice(0, 1)), 1.5e-29, null, -99],
  ] as const)('%s', async (_, network, radius, limit, worst) => {
    // At the end of the radius, or of the limits, the first output is about `worst`.
    const limits = limit && { low: Float64Array.of(-limit), high: Float64Array.of(limit) };
    const region = { centre: Float64Array.of(0), label: 0, radius, scale: null, limits };
    for (let e = -199; e < 200; e += 3) {
      const layers = [{ name: 'relu', multipliers: Float64Array.of(2 ** e) }];
      const margins = await checkRegion(network, region, given({ layers, centres: [] }), pause).catch(
        (error: unknown) => {
          if (!(error instanceof Refusal)) throw error;
        },
      );
      if (margins) expect(margins[1]!).toBeLessThanOrEqual(worst * (1 - 1e-3));
    }
  });
});

it('a softmax at several positions is refused: its outputs are not in the order of what it reads', async () => {
  const b = new NetworkBuilder('positions');
  const x = b.add('relu', { kind: 'nonlinearity', function: { name: 'relu' } }, [b.input('x', [2, 2])]);
  const softmax = b.add('softmax', { kind: 'softmax', logarithm: false }, [x]);
  const network = sourced(
    b.build(b.add('flat', { kind: 'reindex', permutation: [0, 1], shape: [4] }, [softmax])),
  );
  const region = { centre: Float64Array.of(10, 6.9, 3, 0), label: 0, radius: 1.4, scale: null, limits: null };
  const layers = [{ name: 'relu', multipliers: new Float64Array(4).fill(4) }];
  await expect(certifyRegion(network, region, { layers, centres: [] })).rejects.toMatchObject({
    items: [{ reason: expect.stringContaining('several positions') }],
  });
});
