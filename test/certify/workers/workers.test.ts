/** Samples on several threads: reports, proofs and counterexamples are those of one, in order; what breaks is said, and nothing is lost. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CertifySamplesOptions,
  certifyWith,
  type ProvenSample,
} from '../../../src/certify/certifySamples.ts';
import type { Sample } from '../../../src/certify/data/samples.ts';
import type { Servant } from '../../../src/certify/groups/servant.ts';
import type { StartThread } from '../../../src/certify/groups/workers.ts';
import { createRegionProver } from '../../../src/certify/proofs/regionProver.ts';
import type { SampleReport } from '../../../src/certify/report.ts';
import { createEngine } from '../../../src/engine/create.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { InputError, UnsupportedError } from '../../../src/errors.ts';
import { NetworkBuilder } from '../../../src/network/builder.ts';
import { evaluate } from '../../../src/network/evaluation/evaluate.ts';
import { Random } from '../../support/random.ts';
import { type Seen, threadsHere } from './threads.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

const random = new Random(5);
const network = (() => {
  const b = new NetworkBuilder('small');
  const weight = (rows: number, columns: number) =>
    random.normals(rows * columns).map((x) => x / Math.sqrt(columns));
  const dense = (name: string, outputs: number, inputs: number, from: number) =>
    b.add(name, { kind: 'affine', outputs, inputs, weight: weight(outputs, inputs) }, [from]);
  const relu = (name: string, from: number) =>
    b.add(name, { kind: 'nonlinearity', function: { name: 'relu' } }, [from]);
  const hidden = relu(
    'relu_2',
    dense('fc_2', 12, 16, relu('relu_1', dense('fc_1', 16, 6, b.input('x', [6])))),
  );
  return b.build(dense('fc_3', 4, 12, hidden));
})();

/** Some with wrong labels, some without. */
const samples: Sample[] = Array.from({ length: 40 }, (_, index) => {
  const input = random.normals(6);
  const values = evaluate(network, input);
  const label = index % 7 === 0 ? 0 : values.indexOf(Math.max(...values));
  return index % 5 === 1 ? { index, input } : { index, input, label };
});

const options: CertifySamplesOptions = {
  ...{ radii: [0.02, 0.1, 0.25, 0.6], evaluations: 5, attackStarts: 2 },
  global: false,
};

interface Found {
  readonly reports: Omit<SampleReport, 'seconds'>[];
  readonly proofs: ProvenSample[];
  readonly points: (readonly [number, Float64Array])[];
  error?: unknown;
}

/** All that is said, in order, until an error. */
async function found(
  more: CertifySamplesOptions = {},
  start?: StartThread,
  of: Iterable<Sample> | AsyncIterable<Sample> = samples,
): Promise<Found> {
  const all: Found = { reports: [], proofs: [], points: [] };
  try {
    const asked: CertifySamplesOptions = {
      ...{ ...options, engine, ...more },
      onCounterexample: (index, point) => all.points.push([index, point]),
    };
    const reports = certifyWith(
      (logits, means) => createRegionProver(logits, { ...means, engine }),
      ...([network, of, asked, start] as const),
    );
    for await (const { seconds, ...report } of reports) {
      expect(seconds).toBeGreaterThan(0);
      all.reports.push(report);
    }
  } catch (error) {
    all.error = error;
  }
  return all;
}

/** Later groups are done before earlier ones. */
const unevenly = (k: number, own: Servant): Servant => {
  let asked = 0;
  return async (request) => {
    const answer = await own(request);
    if (request.kind === 'certify' && ++asked % 2 === k % 2)
      await new Promise((resolve) => setTimeout(resolve, 30));
    return answer;
  };
};

const workers = (count: number, more: CertifySamplesOptions = {}): CertifySamplesOptions => ({
  workers: count,
  ...more,
});

describe('reports of several threads', () => {
  it.each([2, 3, 5])('%i are those of one, to the last digit', async (count) => {
    const one = await found({ global: true });
    const seen: Seen[] = [];
    const many = await found(workers(count, { global: true }), threadsHere(seen, unevenly));
    expect(one.error).toBeUndefined();
    expect(many).toEqual(one);
    expect(seen).toHaveLength(count);
    // Each had a part of it.
    for (const { requests, ended } of seen) {
      expect(requests.filter(({ kind }) => kind === 'certify').length).toBeGreaterThan(0);
      expect(ended).toBe(true);
    }
    // There is something to compare.
    expect(one.points.length).toBeGreaterThan(5);
    const stages = new Set(one.reports.flatMap((report) => Object.values(report.stages)));
    expect(stages.size).toBe(3);
  });

  it('with the largest radius of each', async () => {
    const asked = { radii: [], maxRadius: true, evaluations: 3 };
    const few = samples.slice(0, 6);
    const one = await found(asked, undefined, few);
    expect(one.reports).toHaveLength(6);
    expect(await found(workers(2, asked), threadsHere(), few)).toEqual(one);
  });

  it('in ℓ∞', async () => {
    const asked: CertifySamplesOptions = { norm: 'inf', radii: [0.02, 0.1], evaluations: 0 };
    const few = samples.slice(0, 15);
    const one = await found(asked, undefined, few);
    expect(await found(workers(2, asked), threadsHere(), few)).toEqual(one);
    // As large balls in ℓ2 are others.
    const { reports } = await found({ ...asked, norm: '2' }, undefined, few);
    expect(one.reports).not.toEqual(reports);
  });

  it('come with the same proofs, one after the other, until one will do', async () => {
    const withProofs = async (count: number, start?: StartThread) => {
      const proofs: ProvenSample[] = [];
      const onProof = (proven: ProvenSample) => {
        proofs.push(proven);
        // Some are asked for again, for a smaller radius.
        return proven.index % 3 > 0 || proven.region.radius < 0.2;
      };
      const all = await found(workers(count, { onProof }), start);
      return { ...all, proofs };
    };
    const one = await withProofs(1);
    expect(one.proofs.length).toBeGreaterThan(new Set(one.proofs.map(({ index }) => index)).size);
    expect(await withProofs(3, threadsHere([], unevenly))).toEqual(one);
  });

  it('come in this thread where none can be started, and where none gets ready', async () => {
    const one = await found();
    expect(
      await found(workers(2), () => {
        throw new Error('no threads');
      }),
    ).toEqual(one);
    const seen: Seen[] = [];
    const lost = threadsHere(seen, (k, own) => async (request) => {
      if (k === 1) throw new Error('lost');
      return own(request);
    });
    expect(await found(workers(2), lost)).toEqual(one);
    expect(seen.map(({ ended }) => ended)).toEqual([true, true]);
  });

  it('come from as many threads as there is memory for', async () => {
    const started = async (memory: number) => {
      const seen: Seen[] = [];
      const { error } = await found(workers(4, { memory }), threadsHere(seen), samples.slice(0, 9));
      expect(error).toBeUndefined();
      return seen.length;
    };
    const prover = await createRegionProver(network, { engine });
    expect(await started(4.5 * prover.bytes)).toBe(4);
    expect(await started(3.5 * prover.bytes)).toBe(3);
    expect(await started(1.5 * prover.bytes)).toBe(0);
    prover.close();
  });
});

describe('what goes wrong', () => {
  it.each([0, 1, 17, 39])('in sample %i comes behind the reports before it', async (bad) => {
    const broken = samples.map((sample) =>
      sample.index === bad ? { ...sample, input: sample.input.map(() => Number.NaN) } : sample,
    );
    const one = await found({}, undefined, broken);
    expect(one.error).toEqual(new InputError(`sample ${bad}: must hold finite numbers, got NaN`));
    expect(one.reports).toHaveLength(bad);
    expect(await found(workers(3), threadsHere([], unevenly), broken)).toEqual(one);
  });

  it('while samples are read comes behind those that were read', async () => {
    async function* read() {
      yield* samples.slice(0, 23);
      throw new InputError('torn');
    }
    const one = await found({}, undefined, read());
    expect([one.reports.length, one.error]).toEqual([23, new InputError('torn')]);
    expect(await found(workers(2), threadsHere([], unevenly), read())).toEqual(one);
  });

  it('a thread that is lost: an error, and every report before it is right', async () => {
    const one = await found();
    const seen: Seen[] = [];
    const lost = threadsHere(seen, (k, own) => {
      let asked = 0;
      return async (request) => {
        if (k === 1 && request.kind === 'certify' && ++asked === 3) throw new Error('out of memory');
        return own(request);
      };
    });
    const many = await found(workers(2), lost);
    expect(many.error).toEqual(new Error('out of memory'));
    expect(many.reports.length).toBeLessThan(samples.length);
    expect(many.reports).toEqual(one.reports.slice(0, many.reports.length));
    expect(seen.map(({ ended }) => ended)).toEqual([true, true]);
  });

  it.each([
    new InputError('a matter of input'),
    new UnsupportedError([{ node: 'pool', found: 'MaxPool', reason: 'is too large' }]),
    new RangeError('a matter of ranges'),
    new Error('sample 3: proven within 1, and a counterexample at 0.5'),
  ])('in a thread is said as it is there: %s', async (error) => {
    const { sent } = await import('../../../src/certify/groups/messages.ts');
    const failing = threadsHere([], (_, own) => async (request) => {
      if (request.kind === 'certify' && request.samples.some(({ index }) => index === 3))
        return { kind: 'failed', error: sent(error) };
      return own(request);
    });
    const many = await found(workers(2), failing);
    expect(many.error).toEqual(error);
    expect(many.error).toBeInstanceOf(error.constructor);
    expect(many.reports).toEqual((await found()).reports.slice(0, many.reports.length));
    expect(many.reports.length).toBeLessThan(4);
  });

  it('cancelling ends all, what was reported stands', async () => {
    const stop = new AbortController();
    const seen: Seen[] = [];
    const stopping = threadsHere(seen, (_, own) => async (request) => {
      const asked = request.kind === 'certify' && request.samples.some(({ index }) => index >= 20);
      // Nothing more is heard of it.
      if (asked) {
        stop.abort(new Error('enough'));
        await new Promise(() => {});
      }
      return own(request);
    });
    const many = await found(workers(2, { signal: stop.signal }), stopping);
    expect(many.error).toEqual(new Error('enough'));
    expect(many.reports).toEqual((await found()).reports.slice(0, many.reports.length));
    expect(seen.map(({ ended }) => ended)).toEqual([true, true]);
  });
});

describe('who takes reports late', () => {
  it('holds the work up: no more is read than a few groups, and none is held', async () => {
    let read = 0;
    function* counted() {
      for (;;) {
        read++;
        yield samples[0]!;
      }
    }
    const seen: Seen[] = [];
    const asked = { ...options, engine, workers: 2, radii: [0.02], attackStarts: 0, evaluations: 0 };
    const reports = certifyWith(
      (logits, means) => createRegionProver(logits, { ...means, engine }),
      ...([network, counted(), asked, threadsHere(seen)] as const),
    );
    await reports.next();
    await new Promise((resolve) => setTimeout(resolve, 200));
    // Four groups, the largest of which has 8.
    expect(read).toBeLessThan(40);
    expect(seen.map(({ held }) => held)).toEqual([false, false]);
    await reports.return();
    expect(seen.map(({ ended }) => ended)).toEqual([true, true]);
  });

  it('and a sample that never comes hold nobody who stops', async () => {
    async function* waiting() {
      yield* samples.slice(0, 3);
      await new Promise(() => {});
    }
    const reports = certifyWith(
      (logits, means) => createRegionProver(logits, { ...means, engine }),
      ...([network, waiting(), { ...options, engine, workers: 2 }, threadsHere()] as const),
    );
    for (let k = 0; k < 3; k++) expect((await reports.next()).value).toMatchObject({ index: k });
    await reports.return();
  });
});
