/** Operators that move entries or multiply them by constants, as ONNX Runtime computes them. */
import { describe, expect, it } from 'vitest';
import { InputError, UnsupportedError } from '../../../src/errors.ts';
import { writeOnnx } from '../../../src/formats/onnx/writing/write.ts';
import { distance, evaluateBatch, floats, integers, model, node, read } from './build.ts';
import { LEFT_OPEN, LinearGraph, SHAPES, STEPS } from './linearSteps.ts';
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
  return { bytes: model(g.nodes, { ...options, opset: 19, imports: ['ai.onnx.ml'] }), x, shape, end };
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
        const { message } = error as Error;
        if (error instanceof UnsupportedError && LEFT_OPEN.some((known) => known.test(message))) continue;
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

describe('what runtimes and ONNX read differently is refused', () => {
  it.each([5 / 3, 7 / 3, 0.7, 1.4])('how many entries there are %f times as many of', async (ratio) => {
    const factor = Math.fround(ratio);
    const scales = floats('s', [4], [1, 1, 1, factor]);
    let [refused, compared] = [0, 0];
    for (const [opset, resize] of [
      [9, node('Upsample', 'x s', 'y', { mode: 'linear' })],
      [10, node('Resize', 'x s', 'y', { mode: 'linear' })],
      [19, node('Resize', 'x  s', 'y', { mode: 'linear', coordinate_transformation_mode: 'asymmetric' })],
    ] as const) {
      for (const side of [3, 4, 5, 9, 10]) {
        if (opset < 10 && factor < 1) continue;
        const shape = [1, 1, 1, side];
        const options = { inputs: { x: shape }, outputs: { y: undefined }, initializers: [scales], opset };
        const bytes = model([resize], options);
        const network = await read(bytes).catch((error: Error) => error);
        if (network instanceof Error) {
          expect(network, `${side}`).toBeInstanceOf(UnsupportedError);
          expect(network.message).toMatch(/how many there are is left to rounding/);
          // It is whole but for what the factor was rounded by.
          expect(Math.abs(side * ratio - Math.round(side * ratio))).toBeLessThan(1e-6);
          refused++;
          continue;
        }
        const x = Float32Array.from({ length: side }, (_, k) => Math.sin(k + 1));
        const ours = evaluateBatch(network, Float64Array.from(x));
        expect(distance(ours, await runOnnx(bytes, x, shape)), `${side}`).toBeLessThanOrEqual(TOLERANCE);
        compared++;
      }
    }
    expect(refused).toBeGreaterThan(0);
    expect(compared).toBeGreaterThan(0);
  });

  const pad = (mode: string) => node('Pad', 'x c', 'y', { mode });
  const pads = (before: number, after: number) => integers('c', [8], [0, 0, 0, before, 0, 0, 0, after]);

  it.each([
    [
      'a Resize to the same shape by other scales',
      node('Resize', 'x  c', 'y', { mode: 'linear' }),
      floats('c', [4], [1, 1, 1, 1.125]),
      /to the same shape: runtimes copy it/,
    ],
    ['a Pad that crops and wraps', pad('wrap'), pads(-1, 2), /whether it crops or wraps first is left open/],
    ['a Pad that wraps and crops', pad('wrap'), pads(2, -1), /whether it crops or wraps first is left open/],
  ])('%s', async (_, last, constant, message) => {
    const options = { inputs: { x: [1, 1, 2, 4] }, outputs: { y: undefined }, initializers: [constant] };
    const error = await read(model([last], { ...options, opset: 19 })).catch((reason: Error) => reason);
    expect(error).toBeInstanceOf(UnsupportedError);
    expect((error as Error).message).toMatch(message);
  });

  it.each([
    ['reflect', -1, 3, /reflect padding must be below the 3 entries left of an axis, got 3/],
    ['reflect', 2, -2, /reflect padding must be below the 2 entries left of an axis, got 2/],
    ['reflect', -3, 1, /must be below the 1 entries/],
    ['edge', -4, 1, /padding must have entries of axis 2 left, got 0/],
    ['edge', 3, -5, /padding must have entries of axis 2 left, got -1/],
  ])('what a Pad has cropped is not there for the mode %s: %i, %i', async (mode, before, after, message) => {
    const shape = [1, 1, 2, 4];
    const options = { inputs: { x: shape }, outputs: { y: undefined }, initializers: [pads(before, after)] };
    const bytes = model([pad(mode)], { ...options, opset: 19 });
    const error = await read(bytes).catch((reason: Error) => reason);
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toMatch(message);
    await expect(runOnnx(bytes, new Float32Array(8), shape)).rejects.toThrow(/Pad/);
  });

  it('a Resize that names an axis twice', async () => {
    for (const [attributes, inputs, constant] of [
      [{ axes: [3n, 3n] }, 'x  c', floats('c', [2], [2, 3])],
      [{ axes: [3n, -1n] }, 'x   c', integers('c', [2], [8, 12])],
    ] as const) {
      const options = { inputs: { x: [1, 1, 2, 4] }, outputs: { y: undefined }, initializers: [constant] };
      const bytes = model([node('Resize', inputs, 'y', attributes)], { ...options, opset: 19 });
      await expect(read(bytes)).rejects.toThrow(/axes must be distinct, got \[?3, 3/);
    }
  });
});
