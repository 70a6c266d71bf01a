/**
 * Random graphs of every operator that moves entries or multiplies them by constants: no bound of any method lies below a slope that ONNX
 * Runtime finds, and certificates are accepted.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { certify } from '../../src/certificate/certify.ts';
import { verify } from '../../src/certificate/verify.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { InputError, UnsupportedError } from '../../src/errors.ts';
import type { Network } from '../../src/network/network.ts';
import { sourced } from '../certificate/networks.ts';
import { model, read } from '../formats/onnx/build.ts';
import { LEFT_OPEN, LinearGraph, SHAPES, STEPS, type Value } from '../formats/onnx/linearSteps.ts';
import { runOnnx } from '../formats/onnx/onnxRuntime.ts';
import { linearise, pull, push } from '../support/forward.ts';
import { Random } from '../support/random.ts';
import { patience, runs } from '../support/runs.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

const volume = (shape: readonly number[]) => shape.reduce((p, n) => p * n, 1);
const MOST_ENTRIES = 200;

interface Trial {
  readonly bytes: Uint8Array;
  readonly shape: readonly number[];
  readonly steps: readonly string[];
}

/** A layer in front or none, some steps with functions between, a layer behind. */
function trial(seed: number): Trial | undefined {
  const g = new LinearGraph(seed);
  const { random } = g;
  const shape: readonly number[] = random.pick(SHAPES);
  let x: Value = { name: 'x', shape };
  const dense = (outputs: number) => {
    const flat = g.apply('Reshape', [x.name, g.integers([1, -1])], [1, volume(x.shape)]);
    const weight = g.floats([flat.shape[1]!, outputs]);
    return g.apply('Gemm', [flat.name, weight], [1, outputs]);
  };
  if (random.chance(0.5)) {
    const layer = dense(volume(shape));
    x = g.apply('Reshape', [layer.name, g.integers(shape)], shape);
  }
  const names = Object.keys(STEPS);
  const steps: string[] = [];
  for (let k = random.integer(1, 4); k > 0; k--) {
    const name = random.pick(names);
    const next = STEPS[name]!(g, x);
    if (!next || volume(next.shape) > MOST_ENTRIES) continue;
    steps.push(name);
    x = next;
    if (random.chance(0.6)) x = g.apply(random.pick(['Relu', 'Tanh']), [x.name], x.shape);
    else if (random.chance(0.4)) {
      const slopes = g.floats(x.shape.map((side, axis) => (axis === 0 || random.chance(0.3) ? 1 : side)));
      x = g.apply('PRelu', [x.name, slopes], x.shape);
    }
    if (x.shape.length === 4 && random.chance(0.4)) {
      const channels = random.integer(1, 3);
      const weight = g.floats([channels, x.shape[1]!, 3, 3]);
      x = g.apply('Conv', [x.name, weight], x.shape.with(1, channels), { pads: [1n, 1n, 1n, 1n] });
    }
  }
  if (steps.length === 0) return undefined;
  const y = random.chance(0.5) ? dense(3) : x;
  const options = {
    inputs: { x: shape },
    outputs: { [y.name]: undefined },
    opset: 19,
    imports: ['ai.onnx.ml'],
  };
  return { bytes: model(g.nodes, { ...options, initializers: g.initializers }), shape, steps };
}

/** Undefined where implementations differ, or nothing depends on the input. */
async function network({ bytes, steps }: Trial): Promise<Network | undefined> {
  try {
    return await read(bytes);
  } catch (error) {
    const known = [
      ...LEFT_OPEN,
      /got a constant/,
      /of constants: it is not computed/,
      /constants of up to two axes/,
    ];
    const expected = error instanceof UnsupportedError || error instanceof InputError;
    if (expected && known.some((message) => message.test(error.message))) return undefined;
    throw new Error(steps.join(', '), { cause: error });
  }
}

/** The steepest slope that ONNX Runtime finds between two points, along directions that the derivative grows most in. */
async function steepest({ bytes, shape }: Trial, net: Network, random: Random): Promise<number> {
  const size = volume(shape);
  let most = 0;
  for (let k = 0; k < 3; k++) {
    const x = random.normals(size).map((value) => value * [0.1, 1, 3][k]!);
    const local = linearise(net, x);
    let v = random.normals(size);
    for (let step = 0; step < 12; step++) {
      const image = pull(local, push(local, v));
      const length = Math.hypot(...image);
      if (length === 0) return most;
      v = image.map((value) => value / length);
    }
    for (const h of [0.5, 0.03]) {
      const ends = [h, -h].map((t) => Float32Array.from(x, (value, n) => value + t * v[n]!));
      const [a, b] = [await runOnnx(bytes, ends[0]!, shape), await runOnnx(bytes, ends[1]!, shape)];
      const apart = Math.hypot(...ends[0]!.map((value, n) => value - ends[1]![n]!));
      const moved = Math.hypot(...a.map((value, n) => value - b[n]!));
      // Less what float32 may lose in the outputs.
      const lost = 1e-5 * (Math.hypot(...a) + Math.hypot(...b));
      most = Math.max(most, (moved - lost) / apart);
    }
  }
  return most;
}

describe('graphs of operators that move entries', () => {
  it(
    'have no bound below a slope, and certificates that are accepted',
    async () => {
      let [bounded, tight, certified] = [0, 0, 0];
      const seen = new Set<string>();
      const count = runs(60);
      for (let seed = 1; seed <= count; seed++) {
        const made = trial(seed + 1000 * (fc.readConfigureGlobal().seed ?? 0));
        const plain = made && (await network(made));
        if (!made || !plain) continue;
        const net = sourced(plain);
        const what = `seed ${seed}: ${made.steps.join(', ')}`;
        const result = await bound(net, { engine, evaluations: 4, lower: false });
        for (const step of made.steps) seen.add(step);
        const slope = await steepest(made, net, new Random(seed));
        const product = result.methods.find(({ method }) => method === 'spectral-product');
        expect(product?.bound, what).not.toBeNull();
        for (const { bound: value, method, rule } of result.methods) {
          if (value !== null) expect(value, `${what}: ${method} ${rule}`).toBeGreaterThanOrEqual(slope);
        }
        bounded++;
        if (result.bound! < 1.5 * slope) tight++;
        if (!result.proof) continue;
        const certificate = await certify(net, result).catch((error: Error) => error);
        if (certificate instanceof Error) {
          expect(certificate.message, what).toMatch(/do not dominate the covariance/);
          continue;
        }
        certified++;
        expect((await verify(net, certificate)).accepted, what).toBe(true);
        expect(certificate.claim.bound!, what).toBeGreaterThanOrEqual(slope);
        const rows = result.methods.filter(
          ({ method, bound: value }) => method !== 'spectral-product' && method !== 'exact' && value !== null,
        );
        const best = Math.min(...rows.map(({ bound: value }) => value!));
        expect(certificate.claim.bound!, what).toBeLessThanOrEqual(best * 1.01 + 1e-9);
      }
      expect(seen.size).toBeGreaterThan(Object.keys(STEPS).length / 2);
      expect(bounded).toBeGreaterThan(count / 2);
      expect(tight).toBeGreaterThan(bounded / 10);
      expect(certified).toBeGreaterThan(bounded / 3);
    },
    patience(),
  );
});
