/** Networks of every operator at random inputs, as ONNX Runtime computes them. */
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError, UnsupportedError } from '../../../src/errors.ts';
import { writeOnnx } from '../../../src/formats/onnx/writing/write.ts';
import { arbitraryNetwork, Random, relativeDifference } from '../../network/arbitrary.ts';
import { evaluateBatch, inFloat32, read } from './build.ts';
import { NotImplemented, runOnnx } from './onnxRuntime.ts';

/** float32 against float64, some dozen layers. */
const TOLERANCE = 1e-4;

/** What ONNX Runtime refuses although it means something. */
const NARROWER = /Pad should be smaller than kernel|output_padding/;

/** How far apart both are; undefined where the file is refused or ONNX Runtime has no kernel. */
async function distance(
  model: Uint8Array,
  x: Float32Array,
  dims: readonly number[],
): Promise<number | undefined> {
  const network = await read(model).catch((error: unknown) => {
    if (error instanceof InputError || error instanceof UnsupportedError) return undefined;
    throw error;
  });
  if (!network) return undefined;
  try {
    const theirs = await runOnnx(model, x, dims);
    return relativeDifference(evaluateBatch(network, Float64Array.from(x)), theirs);
  } catch (error) {
    if (error instanceof NotImplemented || NARROWER.test(String(error))) return undefined;
    throw error;
  }
}

interface RecordedCase {
  readonly name: string;
  /** Base64. */
  readonly model: string;
  readonly input: readonly number[];
}

describe('as ONNX Runtime computes it', () => {
  const cases = readFileSync(new URL('runtime/runtime.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RecordedCase);

  it('each operator and pattern', async () => {
    const random = new Random(5);
    let compared = 0;
    for (const { name, model, input } of cases) {
      const size = input.reduce((a, b) => a * b, 1);
      const x = Float32Array.from(random.vector(size), (value) => 4 * value);
      const found = await distance(new Uint8Array(Buffer.from(model, 'base64')), x, input);
      if (found === undefined) continue;
      expect(found, name).toBeLessThanOrEqual(TOLERANCE);
      compared++;
    }
    expect(compared).toBeGreaterThan(0.9 * cases.length);
  });

  it('random networks', async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(arbitraryNetwork(8, false), async ({ network, x }) => {
        const model = writeOnnx(inFloat32(network));
        const dims = [1, ...network.tensors[network.input]!.shape];
        const found = await distance(model, Float32Array.from(x), dims);
        if (found === undefined) return;
        compared++;
        expect(found).toBeLessThanOrEqual(TOLERANCE);
      }),
      { numRuns: 200 },
    );
    expect(compared).toBeGreaterThan(150);
  });
});
