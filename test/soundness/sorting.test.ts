/** Sorted groups, with sums that stay what they are: no bound is below a slope, and none of a 1-Lipschitz network is above 1. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { certify } from '../../src/certificate/certify.ts';
import { certifyRegion } from '../../src/certificate/certifyRegion.ts';
import { verify } from '../../src/certificate/verify.ts';
import { verifyRegion } from '../../src/certificate/verifyRegion.ts';
import { localBound } from '../../src/certify/certify.ts';
import { createRegionProver } from '../../src/certify/proofs/regionProver.ts';
import type { RuleName } from '../../src/ellipsoid/multipliers/closedForms.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { loadNetwork } from '../../src/formats/load.node.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { PreparedNetwork } from '../../src/network/evaluation/preparedNetwork.ts';
import type { Network } from '../../src/network/network.ts';
import { fuseMaxima } from '../../src/program/fuseMaxima.ts';
import { inlineSums } from '../../src/program/inlineSums.ts';
import type { Program } from '../../src/program/program.ts';
import { schedule } from '../../src/program/schedule.ts';
import { variablesOf } from '../../src/program/translate.ts';
import type { LinearMap, VariableGraph } from '../../src/program/variables.ts';
import { applyWindows } from '../../src/program/windowRule.ts';
import { sourced } from '../certificate/networks.ts';
import { frequencyPath } from '../support/frequencyPath.ts';
import { Random } from '../support/random.ts';
import { runs } from '../support/runs.ts';
import { oneLipschitz, randomSorting, sorting, square } from '../support/sortingNetworks.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

const size = (x: Float64Array) => Math.hypot(...x);

/** The steepest slope that some points, steps uphill from them and power steps there show. */
function climbed(network: Network, random: Random, starts = 8): number {
  const prepared = new PreparedNetwork(network);
  let most = 0;
  for (let start = 0; start < starts; start++) {
    let x = random.normals(prepared.inputs, 10 ** ((start % 4) - 2));
    let here = 0;
    for (let step = 0; step < 20; step++) {
      const other = step === 0 ? x : x.map((value) => value + 0.2 * (1 + Math.abs(value)) * random.normal());
      const line = prepared.linearise(other);
      let v = random.normals(prepared.inputs);
      let found = 0;
      for (let power = 0; power < 12; power++) {
        const length = size(v);
        if (length === 0) break;
        const image = line.push(v.map((value) => value / length));
        found = size(image);
        v = line.pull(image);
      }
      if (found > here) [x, here] = [other, found];
    }
    most = Math.max(most, here);
  }
  return most;
}

describe('no bound is below a slope, and what is proven is accepted', () => {
  it.each(Array.from({ length: runs(12) }, (_, seed) => seed))('network %i', async (seed) => {
    const random = new Random(seed);
    const network = sourced(randomSorting(random));
    const slope = climbed(network, random);
    const result = await bound(network, { engine, evaluations: 15, timeLimit: 5 });
    const product = result.methods.find((row) => row.method === 'spectral-product')!.bound!;
    for (const row of result.methods) {
      if (row.bound !== null)
        expect(row.bound, `${row.method} ${row.rule}`).toBeGreaterThanOrEqual(slope * (1 - 1e-9));
    }
    expect(result.bound).toBeLessThanOrEqual(product);
    if (!result.proof) return;
    const certificate = await certify(network, result);
    expect((await verify(network, certificate)).accepted).toBe(true);
    expect(certificate.claim.bound!).toBeGreaterThanOrEqual(slope * (1 - 1e-9));
  });
});

describe('orthogonal convolutions that sort have the bound 1', () => {
  const modes = ['circular', 'zero'] as const;
  it.each(modes.flatMap((mode) => [1, 2, 4].map((n) => ({ mode, n }))))(
    '$mode padding, groups of $n',
    async ({ mode, n }) => {
      const network = oneLipschitz(new Random(n), { channels: 4, side: 4, depth: 3, n, mode });
      const { methods, margins } = await bound(network, {
        engine,
        target: 'margins',
        method: 'closed-form',
        rule: 'SN(1)',
      });
      expect(methods.length).toBeGreaterThan(0);
      // Of the last layer alone: rows of norm 1, of which two are never further apart than 2.
      const dense = network.nodes.at(-1)!.operator;
      if (dense.kind !== 'affine') throw new Error('the last layer is dense');
      const row = (k: number) => [...dense.weight.subarray(k * dense.inputs, (k + 1) * dense.inputs)];
      for (const [i, own] of margins!.entries()) {
        for (const [j, value] of own.entries()) {
          const exact = Math.hypot(...row(i).map((x, k) => x - row(j)[k]!));
          expect(value).toBeLessThanOrEqual(exact * (1 + 1e-6));
          expect(value).toBeGreaterThanOrEqual(0.5 * exact);
        }
      }
      const { methods: product } = await bound(network, { engine, method: 'spectral-product', lower: false });
      const norm = await bound(onlyLast(network), { engine, method: 'spectral-product', lower: false });
      expect(product[0]!.bound).toBeLessThanOrEqual(norm.bound! * (1 + 1e-6));
    },
  );
});

/** The last layer of a network. */
function onlyLast(network: Network): Network {
  const { operator } = network.nodes.at(-1)!;
  if (operator.kind !== 'affine') throw new Error('the last layer is dense');
  const b = new NetworkBuilder('last');
  return b.build(b.add('dense', operator, [b.input('x', [operator.inputs])]));
}

describe('figures', () => {
  const models = new URL('../../../shared/models/exact/', import.meta.url);
  it.each([
    ['wine12_maxmin.onnx', 2.788306, 2.8142],
    ['wine24_maxmin.onnx', 4.225401, 4.2376],
  ])('%s is at least %f, and proven to be at most %f', async (file, exact, most) => {
    const network = await loadNetwork(new URL(file, models).pathname);
    const result = await bound(network, { engine, method: 'refined', lower: false });
    expect(result.bound).toBeGreaterThanOrEqual(exact);
    expect(result.bound).toBeLessThanOrEqual(most);
  });

  it('groups are bounded as tightly unrolled as on the torus, where all is circular', async () => {
    for (const n of [2, 3]) {
      const random = new Random(n);
      const b = new NetworkBuilder('circular');
      let x = b.input('x', [2, 4, 4]);
      for (const [inputs, layer] of [
        [2, 0],
        [6, 1],
      ] as const) {
        x = b.add(`conv ${layer}`, square(inputs, 6, 3, 'circular', random.normals(54 * inputs, 0.3)), [x]);
        x = b.add(`sort ${layer}`, sorting(6, n, layer === 0), [x]);
      }
      const network = b.build(x);
      const [torus, unrolled] = await Promise.all(
        (['closed-form', 'unrolled'] as const).map((method) =>
          bound(network, { engine, method, rule: 'SN(1)', lower: false }),
        ),
      );
      expect(unrolled!.bound! / torus!.bound!).toBeCloseTo(1, 6);
    }
  });
});

describe('signals of any length', () => {
  /** Three convolutions, groups of n sorted between them. */
  const signal = (n: number, length: number) => {
    const random = new Random(n);
    const b = new NetworkBuilder('signal');
    let x = b.input('x', [2, length]);
    for (const [layer, inputs] of [2, 6, 6].entries()) {
      const axis = { kernel: [3], stride: [1], dilation: [1] };
      const padding = { mode: 'zero', before: [1], after: [1] } as const;
      const weight = random.normals(18 * inputs, 0.3);
      x = b.add('', { kind: 'convolution', inputs, outputs: 6, groups: 1, ...axis, padding, weight }, [x]);
      if (layer < 2) x = b.add('', sorting(6, n, layer === 0), [x]);
    }
    return b.build(x);
  };

  it.each([2, 3, 6])('groups of %i', async (n) => {
    const options = { engine, method: 'closed-form', rule: 'SN(1.3)', lower: false } as const;
    const any = await bound(signal(n, 8), { ...options, length: 'any' });
    const long = await bound(signal(n, 200), options);
    expect(any.bound).toBeGreaterThanOrEqual(long.bound! * (1 - 1e-9));
    expect(any.bound).toBeLessThanOrEqual(long.bound! * 1.02);
    for (const length of [1, 5, 8]) {
      expect(climbed(signal(n, length), new Random(length), 4)).toBeLessThanOrEqual(any.bound! * (1 + 1e-9));
    }
  });
});

describe('around inputs', () => {
  it.each(Array.from({ length: runs(6) }, (_, seed) => seed))('network %i', async (seed) => {
    const random = new Random(900 + seed);
    const network = sourced(randomSorting(random));
    const prepared = new PreparedNetwork(network);
    const centre = random.normals(prepared.inputs);
    const radius = 10 ** -random.integer(0, 1);
    const [between, from] = [
      await localBound(network, centre, radius, { engine, evaluations: 4 }),
      await localBound(network, centre, radius, { engine, evaluations: 4, kind: 'anchored' }),
    ];
    const value = (x: Float64Array) => prepared.evaluate(x)[network.output]!;
    const near = () => {
      const step = random.normals(prepared.inputs);
      const length = (size(step) / radius) * (1.0001 + random.uniform());
      return centre.map((x, k) => x + step[k]! / length);
    };
    const slope = (x: Float64Array, y: Float64Array) =>
      size(value(x).map((v, k) => v - value(y)[k]!)) / size(x.map((v, k) => v - y[k]!));
    for (let k = 0; k < 200; k++) {
      const [x, y] = [near(), near()];
      expect(slope(x, centre)).toBeLessThanOrEqual(from * (1 + 1e-9));
      const close = x.map((v, i) => v + 1e-6 * (y[i]! - v));
      expect(slope(x, close)).toBeLessThanOrEqual(between * (1 + 1e-6));
    }
    // Where no order changes it is linear.
    const inside = await localBound(network, centre, 1e-7, { engine });
    const local = climbedAt(prepared, centre, random);
    expect(inside).toBeGreaterThanOrEqual(local * (1 - 1e-9));
    expect(inside).toBeLessThanOrEqual(local * (1 + 1e-4));

    const values = value(centre);
    const label = values.indexOf(Math.max(...values));
    if (values.length < 2) return;
    const prover = await createRegionProver(network, { engine });
    const asked = { centre, label, radius: 0.2 * radius };
    const [answer] = await prover.prove([asked], { evaluations: 12, proof: true });
    if (!answer!.proof) return;
    const region = { ...asked, scale: null, limits: null };
    const certificate = await certifyRegion(network, region, answer!.proof);
    expect((await verifyRegion(network, certificate)).accepted).toBe(true);
  });
});

/** ‖f'(x)‖ */
function climbedAt(prepared: PreparedNetwork, x: Float64Array, random: Random): number {
  const line = prepared.linearise(x);
  let v = random.normals(prepared.inputs);
  let found = 0;
  for (let power = 0; power < 300; power++) {
    const length = size(v);
    if (length === 0) break;
    const image = line.push(v.map((value) => value / length));
    found = size(image);
    v = line.pull(image);
  }
  return found;
}

describe('planted faults are caught', () => {
  const programOf = (network: Network, alter: (graph: VariableGraph) => void): Program => {
    const graph = variablesOf(network);
    alter(graph);
    return schedule(applyWindows(fuseMaxima(inlineSums(graph))));
  };
  const excess = async (
    network: Network,
    alter: (graph: VariableGraph) => void,
    rule: RuleName = 'SN(1)',
  ): Promise<number> => {
    const slope = climbed(network, new Random(5));
    const { squared } = await frequencyPath(engine, network, rule, programOf(network, alter));
    return slope / Math.sqrt(squared);
  };
  /** Sorts what it is given; `spread`: and takes the smallest of every group from its largest. */
  const plain = (n: number, spread = false) => {
    const b = new NetworkBuilder('plain');
    const x = b.add('sort', sorting(2 * n, n, false), [b.input('x', [2 * n, 3, 3])]);
    if (!spread) return b.build(x);
    const weight = new Float64Array(4 * n);
    for (const g of [0, 1]) {
      weight[2 * n * g + n * g] = 1;
      weight[2 * n * g + n * g + n - 1] = -1;
    }
    return b.build(b.add('spread', square(2 * n, 2, 1, 'zero', weight), [x]));
  };
  const alterMaps =
    (suffix: string, change: (map: LinearMap) => LinearMap) =>
    ({ variables }: VariableGraph) => {
      for (const variable of variables) {
        const { origin } = variable;
        if (origin.kind !== 'linear' || !variable.name.endsWith(suffix)) continue;
        variable.origin = {
          ...origin,
          terms: origin.terms.map((term) => ({ ...term, map: change(term.map) })),
        };
      }
    };
  const halved = (map: LinearMap): LinearMap => {
    if (map.kind !== 'convolution') return map;
    const { sides, entries } = map.kernel;
    return {
      ...map,
      kernel: { sides, entries: (t, put) => entries(t, (o, i, value) => put(o, i, value / 2)) },
    };
  };

  it.each([2, 3])('what is put together of groups of %i with half its weight', async (n) => {
    expect(await excess(plain(n), () => {})).toBeLessThan(1 + 1e-9);
    expect(await excess(plain(n), () => {})).toBeGreaterThan(1 - 1e-6);
    expect(await excess(plain(n), alterMaps('(sorted)', halved))).toBeGreaterThan(1.5);
    // Multipliers of SN(1) are those of sums as well.
    expect(await excess(plain(n, true), () => {}, 'GC(1.5)')).toBeLessThan(1 + 1e-9);
    expect(await excess(plain(n, true), alterMaps('(differences)', halved), 'GC(1.5)')).toBeGreaterThan(1.2);
  });

  it('moduli that are taken to be flatter', async () => {
    const flatter = ({ variables }: VariableGraph) => {
      for (const variable of variables) {
        const { origin } = variable;
        if (origin.kind !== 'nonlinearity') continue;
        variable.origin = { ...origin, lower: Float64Array.of(-0.5), upper: Float64Array.of(0.5) };
      }
    };
    expect(await excess(plain(2, true), flatter)).toBeGreaterThan(1.2);
  });

  it('sums without a window in front of zero padding', async () => {
    const b = new NetworkBuilder('padded');
    const weight = Float64Array.from({ length: 36 }, (_, k) => ((k % 9) % 3 === 0 ? -0.5 : 0.5));
    const first = b.add('sum', square(2, 2, 3, 'zero', weight), [b.input('x', [2, 4, 4])]);
    const sorted = b.add('sort', sorting(2, 2, true), [first]);
    const network = b.build(b.add('again', square(2, 2, 3, 'zero', weight), [sorted]));
    expect(await excess(network, () => {})).toBeLessThan(1 + 1e-9);
    const names = programOf(network, () => {}).segments.flatMap(({ steps }) =>
      steps.flatMap((step) => (step.kind === 'nonlinearity' ? [step.target.variable.name] : [])),
    );
    expect(names).toEqual(['sort', 'sort (sums) (window)']);
  });
});
