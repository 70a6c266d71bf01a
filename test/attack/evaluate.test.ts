/** The evaluator of the attack against ONNX Runtime, and its slopes against each other. */
import { describe, expect, it } from 'vitest';
import { natureOf } from '../../attack/evaluate/circuit.ts';
import { exactDerivatives } from '../../attack/evaluate/exactSlope.ts';
import { FloatCircuit } from '../../attack/evaluate/float.ts';
import { circuitOf } from '../../attack/evaluate/interpret.ts';
import { areaSine } from '../../attack/evaluate/pointwise.ts';
import { product } from '../../attack/evaluate/values.ts';
import { generate, generateConstants } from '../../attack/generate/network.ts';
import { sampleOf } from '../../attack/model/description.ts';
import { Random } from '../../attack/random.ts';
import { againstRuntime } from '../../attack/runtime.ts';

/** Harmless models in float32. */
function* models(from: number, count: number) {
  for (let seed = from; count > 0; seed++) {
    const random = new Random(seed);
    const { model, nasty } = seed % 4 === 0 ? generateConstants(random) : generate(random, 'fixed');
    if (model.input.type !== 'float' || nasty) continue;
    count--;
    yield { seed, model };
  }
}

describe('what the attack holds for the truth', () => {
  it('is what ONNX Runtime computes', async () => {
    let ran = 0;
    for (const { seed, model } of models(1, 60)) {
      const fault = await againstRuntime(model, seed);
      if (fault === 'skipped') continue;
      ran++;
      expect(fault, `seed ${seed}`).toBeUndefined();
    }
    expect(ran).toBeGreaterThan(40);
  });

  it('would differ from it if an operator were misread', async () => {
    const model = {
      opset: 13,
      input: { name: 'x', type: 'float', dims: [1, 1, 5] },
      output: 'y',
      initializers: { w: { type: 'float', dims: [1, 1, 2], values: [1, 2] } },
      functions: [],
    } as const;
    const conv = (mode: string) => ({
      ...model,
      nodes: [{ op: 'Conv', inputs: ['x', 'w'], outputs: ['y'], attributes: { auto_pad: { s: mode } } }],
    });
    expect(await againstRuntime(conv('SAME_UPPER'), 1)).toBeUndefined();
    // An attribute of which the runtime hears another value than the evaluator.
    let asked = 0;
    const lying = conv('SAME_UPPER');
    Object.defineProperty(lying.nodes[0]!.attributes.auto_pad, 's', {
      get: () => (asked++ === 0 ? 'SAME_LOWER' : 'SAME_UPPER'),
      enumerable: true,
    });
    expect(await againstRuntime(lying, 1)).toMatch(/must be what ONNX Runtime computes/);
  });
});

describe('numbers', () => {
  it('of float32 have roots of float32', () => {
    const model = {
      opset: 13,
      input: { name: 'x', type: 'float', dims: [1, 1] },
      output: 'y',
      functions: [],
      initializers: { two: { type: 'float', dims: [1], values: [2] } },
      nodes: [
        { op: 'Sqrt', inputs: ['two'], outputs: ['root'], attributes: {} },
        { op: 'Mul', inputs: ['x', 'root'], outputs: ['y'], attributes: {} },
      ],
    } as const;
    const circuit = circuitOf(model, sampleOf(model));
    expect(
      new FloatCircuit(circuit).enclosedPush(Float64Array.of(1), Float64Array.of(1)).outputs.middle[0],
    ).toBe(Math.fround(Math.SQRT2));
  });

  it.each([1e-9, 1e-4, -3e-3, 0.7, 40])('have an area sine to their last digits: %d', (x) => {
    expect(areaSine.value(x) / Math.asinh(x)).toBeCloseTo(1, 14);
  });
});

describe('slopes', () => {
  it('in float64 lie within their enclosures of the exact ones', () => {
    let compared = 0;
    for (const { seed, model } of models(300, 60)) {
      const circuit = circuitOf(model, sampleOf(model));
      if (natureOf(circuit) === 'smooth') continue;
      const random = new Random(seed);
      const [x, d] = [random.normals(circuit.inputs), random.normals(circuit.inputs)];
      const [exact] = exactDerivatives(circuit, x, [d]);
      const { middle, radius } = new FloatCircuit(circuit).enclosedPush(x, d);
      exact!.forEach((entry, k) => {
        expect(Math.abs(entry.toNumber() - middle[k]!)).toBeLessThanOrEqual(radius[k]! + 1e-300);
      });
      compared++;
    }
    expect(compared).toBeGreaterThan(15);
  });

  it('are those of differences of values, and forwards what they are backwards', () => {
    for (const { seed, model } of models(600, 40)) {
      const circuit = new FloatCircuit(circuitOf(model, sampleOf(model)));
      const random = new Random(seed);
      const n = product(sampleOf(model));
      const [x, d] = [random.normals(n), random.normals(n)];
      const h = 1e-7;
      const values = circuit.values(x);
      const slope = circuit.push(values, d);
      const ahead = circuit.outputsOf(circuit.values(x.map((entry, k) => entry + h * d[k]!)));
      const here = circuit.outputsOf(values);
      const size = Math.max(1, ...values.map(Math.abs), ...slope.map(Math.abs));
      slope.forEach((entry, k) => {
        expect(Math.abs((ahead[k]! - here[k]!) / h - entry)).toBeLessThan(1e-4 * size * size);
      });
      const u = random.normals(slope.length);
      const backwards = circuit.pull(values, u).reduce((sum, entry, k) => sum + entry * d[k]!, 0);
      const forwards = slope.reduce((sum, entry, k) => sum + entry * u[k]!, 0);
      expect(Math.abs(backwards - forwards)).toBeLessThan(1e-9 * size * n * 10);
    }
  });
});
