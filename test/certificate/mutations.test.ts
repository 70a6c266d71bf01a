/** Certificates that somebody has tampered with: whatever is accepted must be true, and nothing may crash or hang. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeValues, encodeValues } from '../../src/certificate/fields.ts';
import type { Certificate } from '../../src/certificate/format.ts';
import { type Verification, verify } from '../../src/certificate/verify.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { linearMatrix } from '../../src/network/matrix.ts';
import type { Network } from '../../src/network/network.ts';
import { sampledLowerBound } from '../support/forward.ts';
import { Random } from '../support/random.ts';
import { runs } from '../support/runs.ts';
import { SIGNAL_FAMILIES } from '../support/signals.ts';
import { certified, smallCnn, smallMlp, sourced } from './networks.ts';
import { identity, isBelow, matrixOf, Rational, throughSector, times, transpose } from './rational.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

/** Milliseconds that no verification of a small network may take. */
const PATIENCE = 20_000;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const ODD: readonly Json[] = [
  null,
  true,
  '',
  'NaN',
  -1,
  0,
  1e308,
  -1e308,
  1e-320,
  2 ** 53,
  0.5,
  [],
  {},
  [[]],
  'x'.repeat(1e5),
  { toString: 1 },
  [1, 2, 3],
];

/** One change somewhere in the document. */
function mutated(certificate: Certificate, random: Random): unknown {
  const copy = JSON.parse(JSON.stringify(certificate)) as { [key: string]: Json };
  const places: { holder: Json[] | { [key: string]: Json }; key: string | number }[] = [];
  const visit = (holder: Json[] | { [key: string]: Json }) => {
    for (const key of Array.isArray(holder) ? holder.keys() : Object.keys(holder)) {
      places.push({ holder, key });
      const value = (holder as { [key: string | number]: Json })[key];
      if (typeof value === 'object' && value !== null) visit(value);
    }
  };
  visit(copy);
  const pick = <T>(list: readonly T[]) => list[random.integer(0, list.length - 1)]!;
  const { holder, key } = pick(places);
  const target = holder as { [key: string | number]: Json };
  const old = target[key]!;
  const layers = copy.layers as unknown as { values: string; exponent: number }[];
  switch (random.integer(0, 9)) {
    case 0:
      target[key] = pick(ODD);
      break;
    case 1:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key as string];
      break;
    case 2:
      target[key] =
        typeof old === 'number'
          ? old * (1 + pick([1e-15, -1e-15, 1e-9, -1e-9, 1e-3, -1e-3, 1, -0.5]))
          : pick(ODD);
      break;
    case 3:
      if (typeof old === 'string' && old.length > 0) {
        const at = random.integer(0, old.length - 1);
        target[key] =
          old.slice(0, at) +
          String.fromCharCode(old.charCodeAt(at) ^ (1 << random.integer(0, 6))) +
          old.slice(at + 1);
      } else target[key] = [old, old];
      break;
    case 4: {
      const [a, b] = [pick(layers), pick(layers)];
      [a.values, b.values] = [b.values, a.values];
      break;
    }
    case 5: {
      const layer = pick(layers);
      const values = decodeValues(layer.values, '');
      const k = random.integer(0, values.length - 1);
      values[k] =
        values[k]! * pick([0, -1, 1 - 1e-12, 1 - 1e-6, 0.9, 0.5, 1.1, 1e3, 1e200, Number.NaN, Infinity]);
      layer.values = encodeValues(values);
      break;
    }
    case 6:
      pick(layers).exponent += pick([1, -1, 5, -5, 300, -300, 2 ** 29]);
      break;
    case 7: {
      const claim = copy.claim as { bound: number; log10: number };
      const factor = pick([1 - 2 ** -52, 1 + 1e-12, 1.5, 1 - 1e-9, 0.99, 0.5, 1e-10, 1 + 1e-9, 2]);
      claim.bound *= factor;
      claim.log10 += Math.log10(factor);
      break;
    }
    case 8: {
      const tori = copy.tori as number[][];
      if (pick(tori).length > 0) pick(tori)[0] = pick([1, 2, 7, 8, 9, 10, 11, 12, 16, 40, 1e6, 2 ** 30]);
      break;
    }
    default: {
      const text = JSON.stringify(copy);
      const at = random.integer(0, text.length - 1);
      const broken = text.slice(0, at) + String.fromCharCode(random.integer(32, 126)) + text.slice(at + 1);
      try {
        return JSON.parse(broken);
      } catch {
        return broken;
      }
    }
  }
  return copy;
}

/** Whether the multipliers of an accepted certificate prove its claim in rational numbers. */
function provesExactly(network: Network, certificate: Certificate): boolean {
  let covariance = identity(network.tensors[network.input]!.shape[0]!);
  let k = 0;
  for (const { operator, inputs } of network.nodes) {
    if (operator.kind === 'affine') {
      const { rows, columns, data } = linearMatrix(operator, network.tensors[inputs[0]!]!.shape);
      const w = matrixOf(rows, columns, data);
      covariance = times(times(w, covariance), transpose(w));
    } else {
      const { values, exponent } = certificate.layers[k++]!;
      const power = new Rational(2n ** BigInt(Math.max(0, exponent)), 2n ** BigInt(Math.max(0, -exponent)));
      const d = [...decodeValues(values, '')].map((x) => Rational.of(x).times(power));
      const next = throughSector(covariance, d, Rational.of(0.1), Rational.of(1));
      if (!next) return false;
      covariance = next;
    }
  }
  const claim = Rational.of(certificate.claim.bound!);
  return isBelow(covariance, claim.times(claim));
}

async function attempt(network: Network, document: unknown): Promise<Verification> {
  const start = performance.now();
  const verdict = await verify(network, document);
  expect(performance.now() - start).toBeLessThan(PATIENCE);
  if (!verdict.accepted) expect(verdict.reason).toMatch(/./);
  return verdict;
}

describe('mutated certificates', () => {
  const onTorus = { method: 'closed-form', rule: 'GC(1.5)' } as const;
  const unrolled = { method: 'unrolled', rule: 'GC(1.5)' } as const;
  const anyLength = { method: 'closed-form', rule: 'GC(1.5)', length: 'any' } as const;
  const signals = sourced(SIGNAL_FAMILIES.pooled!(24));
  it.each([
    { how: 'on a torus', network: smallCnn(), options: onTorus, count: 150 },
    { how: 'unrolled', network: smallCnn(), options: unrolled, count: 60 },
    { how: 'for any length', network: signals, options: anyLength, count: 100 },
  ])(
    'of a CNN $how: what is accepted is true',
    async ({ network, options, count }) => {
      const { certificate } = await certified(network, engine, options);
      expect(certificate.unrolledFrom === null).toBe(options !== unrolled);
      expect(certificate.reach === null).toBe(options !== anyLength);
      expect((await verify(network, certificate)).accepted).toBe(true);
      const slope = sampledLowerBound(network, 20, 1);
      const random = new Random(11);
      let accepted = 0;
      for (let k = 0; k < runs(count); k++) {
        const verdict = await attempt(network, mutated(certificate, random));
        if (!verdict.accepted) continue;
        accepted++;
        expect(verdict.claimed!.log10).toBeGreaterThanOrEqual(verdict.log10!);
        expect(verdict.claimed!.log10).toBeGreaterThan(Math.log10(slope));
      }
      // Larger claims, other names of who found it.
      expect(accepted).toBeGreaterThan(0.04 * runs(count));
      expect(accepted).toBeLessThan(0.5 * runs(count));
    },
    200_000,
  );

  it('of an MLP: what is accepted holds in rational numbers', async () => {
    const network = smallMlp();
    const { certificate } = await certified(network, engine);
    const random = new Random(12);
    const checked = new Set<string>();
    let accepted = 0;
    for (let k = 0; k < runs(900); k++) {
      const document = mutated(certificate, random);
      const { accepted: good, claimed } = await attempt(network, document);
      if (!good) continue;
      accepted++;
      const { layers, claim } = document as Certificate;
      if (claim.bound === null) continue;
      const key = JSON.stringify([layers, claim]);
      if (checked.has(key)) continue;
      checked.add(key);
      expect(claimed!.bound).toBe(claim.bound);
      expect(provesExactly(network, document as Certificate), key).toBe(true);
    }
    expect(accepted).toBeGreaterThan(20);
    expect(checked.size).toBeGreaterThan(3);
  });

  it.each([
    [
      'a smaller bound',
      (c: Certificate) => ({ ...c, claim: { ...c.claim, bound: c.claim.bound! * (1 - 2 ** -52) } }),
      /^claims .*prove/,
    ],
    [
      'a smaller logarithm',
      (c: Certificate) => ({ ...c, claim: { ...c.claim, log10: c.claim.log10 - 1e-9 } }),
      /^claims 10/,
    ],
    [
      'another hash',
      (c: Certificate) => ({ ...c, network: { ...c.network, sha256: 'a'.repeat(64) } }),
      /another network: the SHA-256/,
    ],
    [
      'another input',
      (c: Certificate) => ({ ...c, network: { ...c.network, input: [2, 6, 7] } }),
      /another network: the input/,
    ],
    [
      'another output',
      (c: Certificate) => ({ ...c, network: { ...c.network, output: 'y' } }),
      /another network: the output/,
    ],
    [
      'a torus without room for the padding',
      (c: Certificate) => ({ ...c, tori: c.tori.map((t) => t.map(() => 6)) }),
      /torus: .*needs at least/,
    ],
    [
      'a torus that is far too large',
      (c: Certificate) => ({ ...c, tori: c.tori.map((t) => t.map(() => 2 ** 20)) }),
      /more than four times|operations/,
    ],
    ['a torus too many', (c: Certificate) => ({ ...c, tori: [...c.tori, []] }), /tori: must be 2, got 3/],
    [
      'a layer too many',
      (c: Certificate) => ({ ...c, layers: [...c.layers, c.layers[0]!] }),
      /layers: must be 4, got 5/,
    ],
    [
      'a layer too few',
      (c: Certificate) => ({ ...c, layers: c.layers.slice(1) }),
      /layers: nonlinearity relu_1 expected, got/,
    ],
    [
      'a member too many',
      (c: Certificate) => ({ ...c, extra: 1 }),
      /certificate: certificate: must be the members/,
    ],
    ['another version', (c: Certificate) => ({ ...c, version: 2 }), /version: must be 3, got 2/],
    [
      'NaN as multipliers',
      (c: Certificate) => ({
        ...c,
        layers: c.layers.map((l) => ({
          ...l,
          values: encodeValues(decodeValues(l.values, '').fill(Number.NaN)),
        })),
      }),
      /positive values/,
    ],
    [
      'multipliers of maxima that underflow',
      (c: Certificate) => ({
        ...c,
        layers: c.layers.map((l) =>
          l.role === 'maximum'
            ? { ...l, values: encodeValues(decodeValues(l.values, '').fill(Number.MIN_VALUE)) }
            : l,
        ),
      }),
      /do not dominate|positive values within/,
    ],
    [
      'a maximum that counts shared samples once',
      (c: Certificate) => ({
        ...c,
        layers: c.layers.map((l) =>
          l.role === 'maximum'
            ? { ...l, values: encodeValues(decodeValues(l.values, '').map((e) => 0.3 * e)) }
            : l,
        ),
      }),
      /pool: the multipliers do not dominate/,
    ],
    [
      'halved multipliers',
      (c: Certificate) => ({ ...c, layers: c.layers.map((l) => ({ ...l, exponent: l.exponent - 4 })) }),
      /do not dominate/,
    ],
    [
      'a period of 2^30',
      (c: Certificate) => ({
        ...c,
        layers: c.layers.map((l) => ({ ...l, period: l.period.map(() => 2 ** 30) })),
      }),
      /positive values/,
    ],
    [
      'more values than any layer has',
      (c: Certificate) => ({
        ...c,
        layers: c.layers.map((l) => ({ ...l, values: 'A'.repeat(2 ** 26) })),
      }),
      /values: must be at most 4096 numbers, got 6291456/,
    ],
    [
      'more values than the layer has',
      (c: Certificate) => ({
        ...c,
        layers: c.layers.map((l) => ({ ...l, values: encodeValues(new Float64Array(4096).fill(1)) })),
      }),
      /relu_1: needs \d+ positive values within 1e±270, got 4096/,
    ],
    [
      'values of half a number',
      (c: Certificate) => ({ ...c, layers: c.layers.map((l) => ({ ...l, values: l.values.slice(4) })) }),
      /values: must be base64 of whole float64 numbers, got/,
    ],
    [
      'a name that writes to terminals',
      (c: Certificate) => ({ ...c, network: { ...c.network, output: '\u001b[2J\u009b\u202e\n' } }),
      /the output is \\u001b\[2J\\u009b\\u202e\\u000a in the certificate/,
    ],
    [
      'a member named __proto__',
      (c: Certificate) => JSON.parse(`{"__proto__":1,${JSON.stringify(c).slice(1)}`),
      /must be the members/,
    ],
    ['unrolling from nowhere', (c: Certificate) => ({ ...c, unrolledFrom: 99 }), /unrolled from: a node of/],
    ['no object', () => 'certificate', /must be an object/],
  ])('%s is rejected with the reason', async (_, change, reason) => {
    const network = smallCnn();
    const { certificate } = await certified(network, engine, { method: 'closed-form', rule: 'GC(1.5)' });
    const verdict = await attempt(network, change(certificate));
    expect(verdict.accepted).toBe(false);
    expect(verdict.reason).toMatch(reason);
  });

  it('of a network with the same hash but other weights are rejected', async () => {
    const { certificate } = await certified(smallCnn(1), engine);
    const verdict = await attempt(smallCnn(2), certificate);
    expect(verdict.accepted).toBe(false);
  });

  it('can be given up', async () => {
    const network = smallCnn();
    const { certificate } = await certified(network, engine, { method: 'closed-form', rule: 'GC(1.5)' });
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    const slow = { ...network };
    // Whether there is time to notice depends on the machine: either verdict or reason is right, nothing hangs.
    await verify(slow, certificate, { signal: controller.signal }).then(
      (verdict) => expect(verdict.accepted).toBe(true),
      (error: Error) => expect(error.message).toBe('enough'),
    );
  });
});
