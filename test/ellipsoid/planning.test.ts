/** Frequencies cut into chunks for a memory budget: none is lost or seen twice, and a sweep keeps to the budget. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  alexNet,
  resNet18,
  resNet50,
  vgg16,
  vgg16Convolutions,
  wideResNet28x10,
} from '../../bench/networks.ts';
import { bound } from '../../src/bounds/bound.ts';
import { type Chunk, partition } from '../../src/ellipsoid/chunks.ts';
import { compile } from '../../src/ellipsoid/compile.ts';
import { gridSides, type Program, type Segment } from '../../src/ellipsoid/program.ts';
import { sweep } from '../../src/ellipsoid/sweep.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Network } from '../../src/network/network.ts';
import { simplify } from '../../src/network/simplify.ts';
import { product } from '../../src/network/size.ts';
import { CountingEngine } from './countingEngine.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const RULE = 'GC(1.5)';

const programOf = (network: Network) => compile(simplify(network));

/** Most bytes that a sweep of one rule needs in each segment, and what is left when it is over. */
async function count(program: Program, memory: number) {
  const engine = new CountingEngine();
  const most = new Map<Segment, number>();
  await sweep(engine, program, {
    runs: [{ name: RULE }],
    memory,
    skips: new Map(),
    onStep: (segment) => most.set(segment, Math.max(most.get(segment) ?? 0, engine.takeWorkingBytes())),
  });
  await engine.settle();
  return { engine, most, left: engine.liveBytes };
}

/** How often each frequency of the working grid before step k is covered, a representative of ±ω by its weight. */
function coverage(segment: Segment, chunks: readonly Chunk[], k: number): Int32Array {
  const torus = gridSides(segment, k);
  const axes = torus.length;
  const seen = new Int32Array(product(torus));
  const visit = (omega: (axis: number) => number) => {
    let place = 0;
    for (let a = 0; a < axes; a++) place = place * torus[a]! + (omega(a) % torus[a]!);
    seen[place]!++;
  };
  for (const chunk of chunks) {
    const { indices, weights, count } = chunk.frequencies[k]!;
    for (let f = 0; f < count; f++) {
      const at = (a: number) => indices[f * axes + a]!;
      visit(at);
      if (weights[f] === 2) visit((a) => torus[a]! - at(a));
    }
  }
  return seen;
}

function expectEveryFrequencyOnce(segment: Segment, budget: number, runs: number): void {
  const { chunks } = partition(segment, budget, runs);
  for (let k = 0; k <= segment.steps.length; k++) {
    const weights = chunks.map((c) => c.frequencies[k]!.weights.reduce((a, b) => a + b, 0));
    const total = product(gridSides(segment, k));
    expect(weights.reduce((a, b) => a + b, 0)).toBe(total);
    expect(coverage(segment, chunks, k).every((times) => times === 1)).toBe(true);
  }
}

/** VGG-16 at 224×224 without its fully connected layers. */
const convolutions = vgg16Convolutions(224, true);

describe('VGG-16 at 224×224 within 1 GiB', () => {
  const program = programOf(convolutions);
  const segments = program.segments.filter((s) => s.steps.length > 0);

  it('has a segment for each of its five poolings', () => {
    expect(segments.map((s) => s.torus)).toEqual([225, 113, 57, 29, 15].map((n) => [n, n]));
  });

  it('puts every frequency into exactly one chunk', () => {
    for (const segment of segments) expectEveryFrequencyOnce(segment, GIB, 1);
  });

  it('keeps to the budget in every segment, taps, symbols and copies included', async () => {
    const { most, left } = await count(program, GIB);
    expect(segments.every((s) => most.has(s))).toBe(true);
    for (const bytes of most.values()) expect(bytes).toBeLessThanOrEqual(GIB);
    expect(left).toBe(0);
  });
});

describe('the fully connected layers of VGG-16 within 1 GiB', () => {
  const [INPUTS, OUTPUTS] = [25_088, 4096];
  /** The first of them holds its weights, these times the covariance of what it reads, and what comes of it. */
  const needed = (inputs: number, outputs: number) => 8 * (2 * inputs * outputs + outputs ** 2);

  it('need what the weights of the first need', async () => {
    const program = programOf(vgg16({ divisor: 8 }));
    const { most } = await count(program, GIB / 64);
    const bytes = most.get(program.segments.at(-1)!)!;
    const expected = needed(INPUTS / 8, OUTPUTS / 8);
    expect(bytes).toBeGreaterThanOrEqual(expected);
    // Beside them a few vectors.
    expect(bytes).toBeLessThan(1.01 * expected);
  });

  it('are beyond the budget at full size, and the plan says so', () => {
    const { segments } = compile(withClassifier(convolutions, [OUTPUTS, OUTPUTS, 1000]));
    const plan = partition(segments.at(-1)!, GIB, 10);
    expect(segments.at(-1)!.steps[0]!.before[0]!.rows).toBe(INPUTS);
    expect(needed(INPUTS, OUTPUTS)).toBeGreaterThan(GIB);
    expect(plan.bytes).toBeGreaterThanOrEqual(needed(INPUTS, OUTPUTS));
    // Frequencies cannot be cut where there are none: the runs go one by one.
    expect(plan.chunks).toHaveLength(1);
    expect(plan.runs).toBe(1);
  });
});

/** Fully connected layers of so many outputs at the end. Their weights are left out, which compiling does not look at. */
function withClassifier(network: Network, features: readonly number[]): Network {
  const tensors = [...network.tensors];
  const nodes = [...network.nodes];
  let output = network.output;
  const append = (operator: Network['nodes'][number]['operator'], shape: readonly number[]) => {
    const name = `${operator.kind}_${nodes.length}`;
    const made = tensors.push({ name, shape }) - 1;
    nodes.push({ name, operator, inputs: [output], output: made });
    output = made;
  };
  for (const [k, outputs] of features.entries()) {
    if (k > 0) append({ kind: 'nonlinearity', function: { name: 'relu' } }, tensors[output]!.shape);
    const inputs = product(tensors[output]!.shape);
    append({ kind: 'affine', outputs, inputs, weight: new Float64Array(0) }, [outputs]);
  }
  return { ...network, tensors, nodes, output };
}

describe('networks of public shapes', () => {
  const programs = [
    ['AlexNet', programOf(alexNet({ divisor: 16 }))],
    ['ResNet-18', programOf(resNet18({ divisor: 16 }))],
    ['ResNet-50', programOf(resNet50({ divisor: 16 }))],
    ['WideResNet-28-10', programOf(wideResNet28x10({ divisor: 16 }))],
  ] as const;

  it.each(programs)('%s: every frequency is in exactly one chunk, whatever the budget', (_name, program) => {
    const segments = program.segments.filter((s) => s.axes > 0);
    const number = fc.nat(segments.length - 1);
    const exponent = fc.double({ min: 10, max: 33, noNaN: true });
    fc.assert(
      fc.property(number, exponent, fc.integer({ min: 1, max: 10 }), (k, log2, runs) => {
        expectEveryFrequencyOnce(segments[k]!, 2 ** log2, runs);
      }),
      { numRuns: 12 },
    );
  });

  it.each(programs)('%s ends in its classes', (_name, { segments, output }) => {
    expect(output.window).toEqual([]);
    expect(segments.at(-1)!.axes).toBe(0);
  });
});

describe('VGG-16 at 64×64 with an eighth of the channels', () => {
  const network = vgg16({ side: 64, divisor: 8 });

  it('is bounded within 256 MiB by Wasm, whose count of bytes is the one of this file', async () => {
    const memory = 256 * MIB;
    const { upper, peakBytes } = await run(network, memory);
    expect(upper).toBeGreaterThan(0);
    expect(upper).toBeLessThan(Number.POSITIVE_INFINITY);
    expect(peakBytes).toBeLessThan(memory);
    expect(peakBytes).toBe((await count(programOf(network), memory)).engine.peakBytes);
  });
});

describe('a budget that calls for chunks', () => {
  const network = vgg16Convolutions(32, true, 16);

  it('changes the memory and not the bound', async () => {
    const ample = await run(network, GIB);
    const scant = await run(network, MIB / 4);
    expect(programOf(network).segments.some((s) => partition(s, MIB / 4, 1).chunks.length > 1)).toBe(true);
    expect(scant.peakBytes).toBeLessThan(ample.peakBytes);
    expect(scant.peakBytes).toBe((await count(programOf(network), MIB / 4)).engine.peakBytes);
    expect(Math.abs(scant.upper / ample.upper - 1)).toBeLessThan(1e-8);
  });
});

/** The bound by one rule on Wasm, and the most bytes that the engine held. */
async function run(network: Network, memory: number): Promise<{ upper: number; peakBytes: number }> {
  const engine = await createEngine({ engine: 'cpu-wasm' });
  try {
    const result = await bound(network, { engine, method: 'closed-form', rule: RULE, memory });
    return { upper: result.bound!, peakBytes: engine.peakBytes };
  } finally {
    await engine.close();
  }
}
