/** `inspect` answers what `bound` would: the same methods, refused with the same words. */
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { inspect } from '../../src/bounds/inspect.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { EngineHandle } from '../../src/engine/engine.ts';
import { UnsupportedError } from '../../src/errors.ts';
import { loadNetwork } from '../../src/formats/load.node.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import type { Operator, PaddingMode } from '../../src/network/operator.ts';
import { RELU } from '../support/signals.ts';

let engine: EngineHandle;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

/** By method what it answers: a reason, or true. With the message alone where nothing is bounded. */
async function answered(network: Network): Promise<Record<string, string | boolean> | string> {
  try {
    const { methods } = await bound(network, { engine, lower: false, evaluations: 1 });
    return Object.fromEntries(methods.map(({ method, bound, error }) => [method, bound !== null || error!]));
  } catch (error) {
    if (error instanceof UnsupportedError) return error.message;
    throw error;
  }
}

function promised(network: Network): Record<string, string | boolean> | string {
  const { methods, refusal } = inspect(network);
  return (
    refusal?.message ?? Object.fromEntries(methods.map(({ method, reason }) => [method, reason ?? true]))
  );
}

function convolutional(mode: PaddingMode, sides: readonly number[]): Network {
  const b = new NetworkBuilder('padded');
  const conv: Operator = {
    ...{ kind: 'convolution', outputs: 1, inputs: 1, groups: 1, kernel: [3, 3] },
    ...{ stride: [1, 1], dilation: [1, 1], padding: { mode, before: [1, 1], after: [1, 1] } },
    weight: new Float64Array(9).fill(0.5),
  };
  const relu: Operator = { kind: 'nonlinearity', function: { name: 'relu' } };
  return b.build(b.add('relu', relu, [b.add('conv', conv, [b.input('x', [1, ...sides])])]));
}

it.each([
  ['covered by all', convolutional('zero', [4, 4])],
  ['covered by one', convolutional('reflect', [4, 4])],
  ['too large to unroll', convolutional('reflect', [90, 90])],
])('%s', async (_, network) => {
  expect(promised(network)).toEqual(await answered(network));
});

it('differs between these', () => {
  expect(promised(convolutional('zero', [4, 4]))).toHaveProperty('closed-form', true);
  expect(promised(convolutional('reflect', [4, 4]))).toMatchObject({
    unrolled: true,
    'closed-form': expect.stringMatching(/reflect padding/),
  });
});

const examples = fileURLToPath(new URL('../../examples/', import.meta.url));
const cases = fileURLToPath(new URL('../../../shared/cases/coverage/', import.meta.url));
const files = [examples, cases].flatMap((folder) =>
  existsSync(folder)
    ? readdirSync(folder).flatMap((file) => (file.endsWith('.onnx') ? [`${folder}${file}`] : []))
    : [],
);

it.each(files)(
  '%s',
  async (path) => {
    const network = await loadNetwork(path).catch(() => undefined);
    // What the reader refuses it refuses for both.
    if (network) expect(promised(network)).toEqual(await answered(network));
  },
  60_000,
);

it('inspect answers for a network that is nothing but moved entries behind one function', () => {
  const builder = new NetworkBuilder('moved');
  const y = builder.add('', RELU, [builder.input('x', [3, 2, 4])]);
  const turned = [0, 1].map(() =>
    builder.add('', { kind: 'reindex', permutation: [2, 0, 1], shape: [4, 3, 2] }, [y]),
  );
  const joined = builder.add('', { kind: 'concat' }, turned);
  const network = builder.build(
    builder.add('', { kind: 'reindex', permutation: [1, 2, 0], shape: [3, 2, 8] }, [joined]),
  );
  expect(inspect(network).methods.length).toBeGreaterThan(0);
});

it.each([
  ['zeros alone', new Float64Array(6), false, /nothing to search/],
  ['zeros behind which a function is', new Float64Array(6), true, undefined],
  ['something else', Float64Array.of(0, 0, 0, 0, 0, 1), false, undefined],
] as const)(
  'inspect promises a search of a network of %s where there is one',
  async (_, weight, behind, reason) => {
    const builder = new NetworkBuilder('still');
    const h = builder.add('', { kind: 'affine', outputs: 2, inputs: 3, weight }, [builder.input('x', [3])]);
    const network = builder.build(behind ? builder.add('', RELU, [h]) : h);
    const { refined } = promised(network) as Record<string, string | boolean>;
    expect(refined).toEqual(((await answered(network)) as Record<string, string | boolean>).refined);
    expect(refined).toEqual(reason ? expect.stringMatching(reason) : true);
  },
);
