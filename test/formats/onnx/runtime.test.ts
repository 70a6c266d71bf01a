/** Every operator and pattern against what ONNX Runtime computed (runtime/make.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { writeOnnx } from '../../../src/formats/onnx/writing/write.ts';
import { evaluate } from '../../../src/network/evaluation/evaluate.ts';
import { distance, evaluateBatch, read } from './build.ts';

interface RuntimeCase {
  readonly name: string;
  /** Base64. */
  readonly model: string;
  readonly input: readonly number[];
  readonly output: readonly number[];
}

const cases = readFileSync(new URL('runtime/runtime.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as RuntimeCase);

/** As make.py. */
function input(shape: readonly number[]): Float64Array {
  const entries = shape.reduce((size, side) => size * side, 1);
  return Float64Array.from({ length: entries }, (_, i) => Math.fround(2 * Math.sin(1.7 * i + 0.3)));
}

/** float32 arithmetic on both sides of some dozen terms, and six digits in the file. */
const TOLERANCE = 1e-5;

describe('as ONNX Runtime computes it', () => {
  it.each(cases)('$name', async ({ model, input: shape, output }) => {
    const network = await read(Buffer.from(model, 'base64'));
    const x = input(shape);
    const y = evaluateBatch(network, x);
    expect(distance(y, output)).toBeLessThanOrEqual(TOLERANCE);
    const again = await read(writeOnnx(network));
    expect(distance(evaluateBatch(again, x), y)).toBeLessThanOrEqual(1e-13);
  });

  it('would notice another function', async () => {
    const { model, input: shape, output } = cases.find(({ name }) => name === 'SiLU')!;
    const network = await read(Buffer.from(model, 'base64'));
    const wrong = evaluate(network, input(shape).subarray(0, 8)).map((y) => 1.0001 * y);
    expect(distance(wrong, output.slice(0, 8))).toBeGreaterThan(TOLERANCE);
  });
});
