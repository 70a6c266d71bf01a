/** Trained networks that others published, where they lie beside the repository (`../shared/models`). */
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadNetwork } from '../../../src/formats/load.node.ts';
import { writeOnnx } from '../../../src/formats/onnx/writing/write.ts';
import { evaluate } from '../../../src/network/evaluation/evaluate.ts';
import { distance, kinds, outputShape, read } from './build.ts';

const folder = fileURLToPath(new URL('../../../../shared/models/', import.meta.url));
const present = existsSync(folder);
const files = present ? readdirSync(folder).filter((file) => file.endsWith('.onnx')) : [];

interface Layout {
  readonly layers: number;
  readonly input: readonly number[];
  readonly output: readonly number[];
}

/** What the name of a file promises: hidden layers, and the shapes at both ends; a is the depth, b the width. */
const PROMISES: readonly (readonly [name: RegExp, promise: (a: number, b: number) => Layout])[] = [
  [/^mlp_L(\d+)_W(\d+)/, (a) => ({ layers: a, input: [1, 28, 28], output: [10] })],
  [/^cnn_C(\d+)_CH(\d+)/, (a) => ({ layers: a, input: [1, 28, 28], output: [10] })],
  [/^chain_L(\d+)_W(\d+)/, (a, b) => ({ layers: a - 2, input: [b], output: [b] })],
  [/^stack_C(\d+)_CH(\d+)/, (a, b) => ({ layers: a - 2, input: [b, 28, 28], output: [b, 28, 28] })],
  [/^cnn(\d)_/, (a) => ({ layers: a - 1, input: [1, 8, 8], output: [1] })],
  [/^fnn(\d)_/, (a) => ({ layers: a - 1, input: [64], output: [1] })],
  [/^2C2F/, () => ({ layers: 3, input: [1, 28, 28], output: [10] })],
  [/^eclipse_lyr2n80/, () => ({ layers: 1, input: [4], output: [1] })],
  [/^lipsdp_mnist/, () => ({ layers: 1, input: [784], output: [10] })],
  [/^lipsdp_random/, () => ({ layers: 3, input: [2], output: [2] })],
];

function promised(file: string): Layout {
  const [name, promise] = PROMISES.find(([name]) => name.test(file))!;
  const [, a, b] = name.exec(file)!;
  return promise(Number(a), Number(b));
}

describe.skipIf(!present)('published networks (skipped where ../shared/models is absent)', () => {
  it.each(files)('%s has the layers that its name promises, and survives writing', async (file) => {
    const network = await loadNetwork(folder + file);
    const { layers, input, output } = promised(file);
    const nonlinear = kinds(network).filter((kind) => kind === 'relu' || kind === 'leaky-relu');
    expect(network.tensors[network.input]!.shape).toEqual(input);
    expect(outputShape(network)).toEqual(output);
    expect(nonlinear).toHaveLength(layers);
    expect(network.source).toMatchObject({ file, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    const entries = input.reduce((size, side) => size * side, 1);
    const x = Float64Array.from({ length: entries }, (_, i) => Math.sin(1 + 7 * i));
    const y = evaluate(network, x);
    expect(y.every(Number.isFinite)).toBe(true);
    const again = await read(writeOnnx(network));
    expect(distance(evaluate(again, x), y)).toBeLessThanOrEqual(1e-12);
  });

  it('are no smaller than their files say', async () => {
    const bytes = await readFile(`${folder}2C2F.onnx`);
    const network = await read(bytes);
    const parameters = network.nodes.reduce((sum, { operator }) => {
      const weighted = operator.kind === 'affine' || operator.kind === 'convolution';
      return sum + (weighted ? operator.weight.length + (operator.bias?.length ?? 0) : 0);
    }, 0);
    // Weights are most of the file, four bytes each.
    expect(4 * parameters).toBeGreaterThan(0.99 * bytes.length);
    expect(4 * parameters).toBeLessThan(bytes.length);
  });
});
