/** Certificates of exact constants: they are accepted as they are made, and whatever is accepted after a change is true. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type CertifyExactOptions, certifyExact } from '../../src/certificate/constants/certifyExact.ts';
import type { ExactCertificate, StoredNode } from '../../src/certificate/constants/exactFormat.ts';
import { verifyExact } from '../../src/certificate/constants/verifyExact.ts';
import { decodeValues, encodeValues } from '../../src/certificate/fields.ts';
import { exactConstant } from '../../src/exact/exact.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Elementwise } from '../../src/network/elementwise/elementwise.ts';
import type { Network } from '../../src/network/network.ts';
import { type Layer, largestSlope } from '../exact/regions.ts';
import { Random } from '../support/random.ts';
import { sourced } from './networks.ts';

const RELU: Elementwise = { name: 'relu' };
/** What claims may be below the truth as the enumeration of regions computes it. */
const ROUNDING = 1e-9;

function layersOf(seed: number, sizes: readonly number[], entry = (x: number) => x): Layer[] {
  const random = new Random(seed);
  return sizes.slice(1).map((rows, k) => ({
    weight: Array.from({ length: rows }, () => [...random.normals(sizes[k]!)].map(entry)),
    bias: [...random.normals(rows, 0.5)].map(entry),
  }));
}

function dense(layers: readonly Layer[], activation = RELU, name = 'dense'): Network {
  const all = layers.map((layer, k) => ({ ...layer, ...(k + 1 < layers.length && { activation }) }));
  return sourced({ ...NetworkBuilder.fromDense(all), name });
}

/** Numbers of few bits, the second row the first once more: neurons that switch together. */
function flatLayers(seed: number): Layer[] {
  const layers = layersOf(seed, [3, 4, 3, 1], (x) => Math.round(1.5 * x));
  return layers.map(({ weight, bias }, k) =>
    k === 0
      ? { weight: [weight[0]!, ...weight.slice(0, -1)], bias: [bias[0]!, ...bias.slice(0, -1)] }
      : { weight, bias },
  );
}

function withoutBias(layers: readonly Layer[]): Layer[] {
  return layers.map(({ weight }) => ({ weight, bias: weight.map(() => 0) }));
}

/** A convolution, groups of three that are sorted, batch normalisation whose factors have been rounded, and a maximum. */
function composed(): Network {
  const random = new Random(4);
  const b = new NetworkBuilder('composed');
  let x = b.input('x', [1, 2]);
  const kernel = { kernel: [3], stride: [1], dilation: [1], groups: 1 };
  const padding = { mode: 'zero' as const, before: [1], after: [1] };
  const weight = random.normals(9);
  x = b.add('conv', { kind: 'convolution', outputs: 3, inputs: 1, ...kernel, padding, weight }, [x]);
  const sort = { name: 'sort' as const, descending: false };
  x = b.add('sort', { kind: 'grouped', function: sort, groups: [Int32Array.of(0, 1, 2)], wide: false }, [x]);
  const [scale, shift] = [Float64Array.of(0.7), Float64Array.of(0.3)];
  x = b.add('norm', { kind: 'scale', scale, shift, roundings: 4 }, [x]);
  x = b.add('relu', { kind: 'nonlinearity', function: RELU }, [x]);
  const windows = [Int32Array.of(0, 1, 2), Int32Array.of(3, 4), Int32Array.of(5)];
  x = b.add('max', { kind: 'max-gather', windows }, [x]);
  const last = { outputs: 2, inputs: 3, weight: random.normals(6) };
  return sourced(b.build(b.add('out', { kind: 'affine', ...last }, [x])));
}

const side = (at: number, entries = 3) => new Float64Array(entries).fill(at);

async function certified(
  network: Network,
  { box, ball, pair }: Pick<CertifyExactOptions, 'box' | 'ball' | 'pair'> = {},
  gap?: number,
): Promise<ExactCertificate> {
  const where = { pair, ...(box && { box }), ...(ball && { ball }) };
  const result = await exactConstant(network, { ...where, gap });
  const certificate = await certifyExact(network, result, where);
  expect(certificate.claim.bound).toBeLessThanOrEqual(result.upper * (1 + 2e-9));
  expect(certificate.claim.slope).toBeGreaterThanOrEqual(result.lower * (1 - 1e-12));
  return certificate;
}

type Writable<T> = T extends object ? { -readonly [K in keyof T]: Writable<T[K]> } : T;

/** As a file has it, with a change. */
function changed(certificate: ExactCertificate, change: (copy: Writable<ExactCertificate>) => void): unknown {
  const copy = JSON.parse(JSON.stringify(certificate)) as Writable<ExactCertificate>;
  change(copy);
  return copy;
}

const RANDOM = layersOf(15, [3, 5, 4, 1]);
const BOX = { low: side(-1), high: side(1) };
const BALL = { centre: side(0.1), radius: 0.8 };

describe('certificates of exact constants', () => {
  it('are accepted, whatever the network and wherever its inputs are, with every kind of proof', async () => {
    const kinds = new Set<string>();
    for (const [network, where] of [
      [dense(RANDOM), {}],
      [dense(RANDOM), { box: BOX }],
      [dense(RANDOM), { ball: BALL }],
      [dense(RANDOM), { ball: BALL, box: { low: Float64Array.of(0, -Infinity, -1), high: side(Infinity) } }],
      [dense(layersOf(3, [3, 4, 2])), { pair: [0, 1] as const }],
      [dense(layersOf(5, [3, 4, 3, 2]), { name: 'clip', min: -0.5, max: 1 }), {}],
      [dense(layersOf(6, [3, 4, 3, 1]), { name: 'soft-shrink', threshold: 0.4 }), { box: BOX }],
      [dense(flatLayers(2)), {}],
      [dense(flatLayers(3)), { box: BOX }],
      [dense(withoutBias(RANDOM)), { box: BOX }],
      [dense([{ weight: [[0, 0, 0]], bias: [1] }]), {}],
      [composed(), {}],
    ] as const) {
      const certificate = await certified(network, where);
      for (const node of certificate.tree) kinds.add(node.kind === 'empty' && node.bare ? 'bare' : node.kind);
      const read: unknown = JSON.parse(JSON.stringify(certificate));
      const parts = certificate.tree.filter(({ kind }) => kind !== 'split').length;
      expect(await verifyExact(network, read)).toMatchObject({
        accepted: true,
        claimed: certificate.claim,
        parts,
      });
    }
    expect([...kinds].sort()).toEqual(['bare', 'bounded', 'empty', 'flat', 'split', 'unreachable']);
  });

  it('are of the very ends of a ball, with which whole numbers are weighed', async () => {
    const ramp = { name: 'hard-sigmoid', alpha: 0.5, beta: 0.5 } as const;
    const layers = [
      { weight: [[-1], [-2]], bias: [0, 0], activation: RELU },
      {
        weight: [
          [1, 1],
          [1, -1],
          [-2, -1],
          [-1, 0],
        ],
        bias: [0, 0, 0, 0],
        activation: ramp,
      },
      {
        weight: [
          [-1, 0, -1, 2],
          [-1, 1, -2, 2],
          [-2, 2, 0, -2],
          [1, -2, -1, 2],
        ],
        bias: [0, 0, 0, 0],
        activation: ramp,
      },
      { weight: [[1, 0, -2, -2]], bias: [0] },
    ];
    const certificate = await certified(sourced(NetworkBuilder.fromDense(layers)), {
      ball: { centre: Float64Array.of(0), radius: 0.5 },
    });
    expect(certificate.tree.some(({ kind }) => kind === 'flat')).toBe(true);
    expect(certificate.claim.bound).toBeCloseTo(3.75, 4);
  });

  it('say what they are of', async () => {
    const network = dense(layersOf(3, [3, 4, 2]));
    const where = { pair: [0, 1] as const, box: BOX, ball: BALL };
    const { target, box, ball } = await verifyExact(network, await certified(network, where));
    expect([target, box?.low, ball]).toEqual([
      [0, 1],
      [-1, -1, -1],
      { centre: [0.1, 0.1, 0.1], radius: 0.8 },
    ]);
  });

  it('are of a bound that a search which was stopped has proven', async () => {
    const network = dense(RANDOM);
    let seen = 0;
    const result = await exactConstant(network, {
      isOver: () => seen >= 4,
      onProgress: ({ nodes }) => {
        seen = nodes;
      },
    });
    expect(result.status).toBe('stopped');
    expect(result.open).toBeGreaterThan(0);
    const certificate = await certifyExact(network, result);
    expect(await verifyExact(network, certificate)).toMatchObject({ accepted: true });
    expect(certificate.claim.bound).toBeGreaterThanOrEqual(largestSlope(RANDOM, RELU));
  });
});

/** Where in the tree the first node of a kind is that has what is asked for. */
function first<K extends StoredNode['kind']>(
  { tree }: { readonly tree: readonly Writable<StoredNode>[] },
  kind: K,
  holds: (node: Writable<Extract<StoredNode, { kind: K }>>) => boolean = () => true,
): Writable<Extract<StoredNode, { kind: K }>> {
  const node = tree.find((one) => one.kind === kind && holds(one as never));
  expect(node, kind).toBeDefined();
  return node as never;
}

const negative = (values: string) => encodeValues(decodeValues(values, '').map((x) => -x));

describe('certificates that somebody has changed', () => {
  const network = dense(RANDOM);

  it.each<[string, RegExp, (copy: Writable<ExactCertificate>) => void]>([
    [
      'a leaf left out',
      /some part has none|multipliers do not/,
      ({ tree }) =>
        void tree.splice(
          tree.findIndex(({ kind }) => kind === 'bounded'),
          1,
        ),
    ],
    ['the last leaf left out', /some part has none/, ({ tree }) => void tree.pop()],
    ['a leaf too many', /there are more/, ({ tree }) => void tree.push({ kind: 'unreachable' })],
    ['no tree', /some part has none/, ({ tree }) => void tree.splice(0)],
    ['sides exchanged', /do not prove/, ({ tree }) => exchange(tree)],
    [
      'a split that does not split',
      /splits nothing/,
      (copy) => {
        first(copy, 'split').at = 1;
      },
    ],
    [
      'a split of no unit',
      /a unit of 9/,
      (copy) => {
        first(copy, 'split').unit = 9;
      },
    ],
    [
      'the same split twice',
      /splits nothing/,
      ({ tree }) => void tree.splice(1, 0, JSON.parse(JSON.stringify(tree[0]))),
    ],
    [
      'a multiplier of the wrong sign',
      /do not prove it empty/,
      (copy) => {
        const node = first(copy, 'empty', ({ units }) => units.length > 1);
        node.multipliers = negative(node.multipliers);
      },
    ],
    [
      'a residual that nothing makes vanish',
      /do not prove it empty/,
      (copy) => {
        first(copy, 'empty', ({ movable }) => movable.length > 0).movable = [];
      },
    ],
    [
      'what can be reached called unreachable',
      /can be reached/,
      ({ tree }) => {
        tree[1] = { kind: 'unreachable' };
      },
    ],
    [
      'multipliers of a part that are others',
      /multipliers do not prove/,
      (copy) => {
        const node = first(copy, 'bounded', ({ units }) => units.length > 1);
        node.sigma = encodeValues(decodeValues(node.sigma, '').map((x, k) => x * (k === 0 ? 1e-3 : 1e3)));
      },
    ],
    [
      'fewer multipliers than there are units',
      /units, but/,
      (copy) => void first(copy, 'bounded', ({ units }) => units.length > 1).units.pop(),
    ],
    [
      'a unit that is bounded without a multiplier',
      /multipliers do not prove/,
      (copy) => {
        const node = first(copy, 'bounded', ({ units }) => units.length > 1);
        node.units.pop();
        node.sigma = encodeValues(decodeValues(node.sigma, '').slice(1));
      },
    ],
    [
      'a smaller bound',
      /multipliers do not prove/,
      ({ claim }) => {
        claim.bound *= 1 - 2e-6;
      },
    ],
    [
      'a larger slope',
      /is proven at its point/,
      ({ claim }) => {
        claim.slope *= 1 + 1e-9;
      },
    ],
    [
      'a slope at no point',
      /is proven at its point/,
      (copy) => {
        copy.attained = null;
      },
    ],
    [
      'another network',
      /of another network/,
      (copy) => {
        copy.network.sha256 = 'a'.repeat(64);
      },
    ],
    [
      'the difference of one output',
      /target: two of 1/,
      (copy) => {
        copy.target = [0, 0];
      },
    ],
    ['a member too many', /the members/, (copy) => void Object.assign(copy, { more: 1 })],
    [
      'numbers that are none',
      /finite/,
      (copy) => {
        const node = first(copy, 'bounded', ({ units }) => units.length > 1);
        node.sigma = encodeValues(decodeValues(node.sigma, '').fill(Number.NaN));
      },
    ],
  ])('%s', async (_, reason, change) => {
    const verdict = await verifyExact(network, changed(await random(), change));
    expect(verdict).toMatchObject({ accepted: false, reason: expect.stringMatching(reason) });
  });

  it('a domain that is larger', async () => {
    for (const where of [{ box: BOX }, { ball: BALL }]) {
      const larger = changed(await certified(network, where), ({ domain: { box, ball } }) => {
        if (box) box.high = encodeValues(side(100));
        if (ball) ball.radius = 100;
      });
      expect(await verifyExact(network, larger)).toMatchObject({
        accepted: false,
        reason: expect.stringMatching(/do not prove/),
      });
    }
  });

  it('a point outside of its domain', async () => {
    const outside = changed(await certified(network, { box: BOX }), ({ attained }) => {
      attained!.input = encodeValues(side(1));
    });
    const reason = 'attained: its point is not inside of the domain';
    expect(await verifyExact(network, outside)).toMatchObject({ accepted: false, reason });
  });

  it('weights of what is flat', async () => {
    const flat = dense(flatLayers(2));
    const own = await certified(flat);
    for (const weight of ['0', 'ffff']) {
      const other = changed(own, (copy) => {
        const { rows } = first(copy, 'flat', (node) => node.rows.length > 1);
        rows[0]!.weight = weight;
      });
      expect(await verifyExact(flat, other)).toMatchObject({
        accepted: false,
        reason: expect.stringMatching(/prove it flat/),
      });
    }
  });

  it('at random: what is accepted is true, and nothing takes long', { timeout: 60_000 }, async () => {
    const own = await random();
    const truth = largestSlope(RANDOM, RELU);
    const dice = new Random(8);
    const pick = <T>(list: readonly T[]) => list[dice.integer(0, list.length - 1)]!;
    let accepted = 0;
    for (let k = 0; k < 400; k++) {
      const other = changed(own, ({ tree, claim }) => {
        const [a, b] = [dice.integer(0, tree.length - 1), dice.integer(0, tree.length - 1)];
        const node = tree[a]!;
        switch (dice.integer(0, 5)) {
          case 0:
            [tree[a], tree[b]] = [tree[b]!, tree[a]!];
            break;
          case 1:
            tree.splice(a, pick([0, 1, 2]), ...tree.slice(b, b + pick([0, 1, 2])));
            break;
          case 2:
            if (node.kind === 'split') [node.unit, node.at] = [dice.integer(0, 8), pick([0, 0, 1])];
            break;
          case 3:
            if (node.kind === 'empty' || node.kind === 'bounded') node.units[0] = dice.integer(0, 8);
            break;
          case 4: {
            const factor = pick([1 - 1e-7, 1 + 1e-12, 0.5, 0, -1, 1e200]);
            if (node.kind === 'empty') node.multipliers = scaled(node.multipliers, factor);
            if (node.kind === 'bounded') node.sigma = scaled(node.sigma, factor);
            break;
          }
          default:
            if (node.kind === 'empty')
              node.pieces = node.pieces.replace(pick(['0', '1', '.']), pick(['0', '1', '.']));
        }
        claim.bound *= pick([1, 1, 1 - 1e-7, 0.9]);
      });
      const verdict = await verifyExact(network, other);
      if (!verdict.accepted) continue;
      accepted++;
      expect(verdict.claimed!.bound).toBeGreaterThan(truth * (1 - ROUNDING));
    }
    expect(accepted).toBeGreaterThan(0);
  });
});

/** One number of several, at random the first. */
function scaled(values: string, factor: number): string {
  return encodeValues(decodeValues(values, '').map((x, k) => (k === 0 ? factor * x : x)));
}

/** The two sides of the first split of which the lower one is empty. */
function exchange(tree: Writable<StoredNode>[]): void {
  const at = 1 + tree.findIndex(({ kind }, k) => kind === 'split' && tree[k + 1]?.kind === 'empty');
  let end = at + 1;
  for (let open = 1; open > 0; end++) open += tree[end]!.kind === 'split' ? 1 : -1;
  const [lower] = tree.splice(at, 1);
  tree.splice(end - 1, 0, lower!);
}

let made: Promise<ExactCertificate> | undefined;
function random(): Promise<ExactCertificate> {
  made ??= certified(dense(RANDOM));
  return made;
}

/** A checker that is loaded with what has been mocked. */
async function verdictOf(certificate: unknown): Promise<boolean> {
  const { verifyExact: own } = await import('../../src/certificate/constants/verifyExact.ts');
  return (await own(dense(RANDOM), certificate)).accepted;
}

describe('faults that are planted into the checker accept what is false', () => {
  const CHECKER = '../../src/certificate/exact';
  afterEach(() => {
    for (const file of ['empty', 'bounded', 'ranges', 'slope']) vi.doUnmock(`${CHECKER}/${file}.ts`);
    vi.resetModules();
  });

  /** The part with the largest slope called empty, and the claim made smaller. */
  async function lying(): Promise<unknown> {
    return changed(await random(), (copy) => {
      const empty = JSON.parse(JSON.stringify(first(copy, 'empty'))) as Writable<StoredNode>;
      copy.tree.splice(0, copy.tree.length, empty);
      copy.claim = { bound: 0.1, slope: 0 };
    });
  }

  it('that believes what is called empty', async () => {
    const certificate = await lying();
    expect(await verdictOf(certificate)).toBe(false);
    vi.resetModules();
    vi.doMock(`${CHECKER}/empty.ts`, () => ({ isEmpty: () => true }));
    expect(await verdictOf(certificate)).toBe(true);
  });

  it('whose ranges are rounded inward, so that nothing is left', async () => {
    const certificate = await lying();
    const actual = await vi.importActual<typeof import('../../src/certificate/exact/ranges.ts')>(
      `${CHECKER}/ranges.ts`,
    );
    vi.doMock(`${CHECKER}/ranges.ts`, () => ({ ...actual, narrowed: () => undefined }));
    expect(await verdictOf(certificate)).toBe(true);
  });

  it('that does not ask whether a bound holds', async () => {
    const certificate = changed(await random(), ({ claim }) => {
      claim.bound *= 0.9;
      claim.slope = 0;
    });
    expect(await verdictOf(certificate)).toBe(false);
    vi.resetModules();
    vi.doMock(`${CHECKER}/bounded.ts`, () => ({ isBounded: () => true }));
    expect(await verdictOf(certificate)).toBe(true);
  });

  it('whose slopes are too steep', async () => {
    const certificate = changed(await random(), ({ claim }) => {
      claim.slope *= 1.1;
    });
    expect(await verdictOf(certificate)).toBe(false);
    vi.resetModules();
    vi.doMock(`${CHECKER}/slope.ts`, () => ({ isInside: () => true, slopeAt: () => 100 }));
    expect(await verdictOf(certificate)).toBe(true);
  });
});
