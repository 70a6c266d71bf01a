/** Operators that move entries or multiply them by constants, as ONNX Runtime computes them. */
import { describe, expect, it } from 'vitest';
import { InputError, UnsupportedError } from '../../../src/errors.ts';
import { writeOnnx } from '../../../src/formats/onnx/writing/write.ts';
import { distance, evaluateBatch, model, read } from './build.ts';
import { LinearGraph, SHAPES, STEPS } from './linearSteps.ts';
import { runOnnx } from './onnxRuntime.ts';

/** float32 on one side, some terms of size 1. */
const TOLERANCE = 1e-5;

function trial(seed: number, name: string) {
  const g = new LinearGraph(seed);
  const shape: readonly number[] = g.random.pick(SHAPES);
  const end = STEPS[name]!(g, { name: 'x', shape });
  if (!end) return undefined;
  const options = { inputs: { x: shape }, outputs: { [end.name]: undefined }, initializers: g.initializers };
  const size = shape.reduce((p, n) => p * n, 1);
  const x = Float32Array.from(g.random.vector(size));
  return { bytes: model(g.nodes, { ...options, opset: 18, imports: ['ai.onnx.ml'] }), x, shape, end };
}

describe('as ONNX Runtime computes it', () => {
  it.each(Object.keys(STEPS))('%s', async (name) => {
    let compared = 0;
    for (let seed = 1; seed <= 60 && compared < 12; seed++) {
      const made = trial(seed, name);
      if (!made) continue;
      const { bytes, x, shape } = made;
      let network: Awaited<ReturnType<typeof read>>;
      try {
        network = await read(bytes);
      } catch (error) {
        // Which entry is nearest is left to rounding.
        if (error instanceof UnsupportedError && /Resize/.test(error.message)) continue;
        // Every entry may be one of a constant.
        if (error instanceof InputError && /got a constant/.test(error.message)) continue;
        throw new Error(`${name}, seed ${seed}`, { cause: error });
      }
      const theirs = await runOnnx(bytes, x, [...shape]);
      const ours = evaluateBatch(network, Float64Array.from(x));
      expect(distance(ours, theirs), `seed ${seed}`).toBeLessThanOrEqual(TOLERANCE);
      const again = await read(writeOnnx(network));
      expect(distance(evaluateBatch(again, Float64Array.from(x)), ours), `seed ${seed}`).toBeLessThanOrEqual(
        1e-12,
      );
      compared++;
    }
    expect(compared).toBeGreaterThanOrEqual(8);
  });
});
