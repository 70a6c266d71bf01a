/** Frequencies cut into chunks for a memory budget: none is lost or seen twice, and a sweep keeps to the budget. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idleGpu } from '../../bench/counts/idleGpu.ts';
import {
  alexNet,
  normals,
  resNet18,
  resNet50,
  vgg16,
  vgg16Convolutions,
  wideResNet28x10,
} from '../../bench/networks.ts';
import { bound } from '../../src/bounds/bound.ts';
import { roomIn } from '../../src/bounds/budget.ts';
import { leastBytes, type Partition, type Piece, partition } from '../../src/ellipsoid/memory/partition.ts';
import { entries, tapCount } from '../../src/ellipsoid/memory/workspace.ts';
import type { RuleName } from '../../src/ellipsoid/multipliers/closedForms.ts';
import { Rounding } from '../../src/ellipsoid/rounding/rounding.ts';
import { tapsOf } from '../../src/ellipsoid/rules/affine.ts';
import { type Outcome, sweep } from '../../src/ellipsoid/sweep/sweep.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { UnsupportedError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network, TensorId } from '../../src/network/network.ts';
import type { Operator } from '../../src/network/operator.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import { product } from '../../src/network/size.ts';
import { compile } from '../../src/program/compile.ts';
import { gridSides, type Program, type Segment } from '../../src/program/program.ts';
import { FAMILIES } from '../support/families.ts';
import { networkOf } from '../support/randomNetwork.ts';
import { runs } from '../support/runs.ts';
import { countingEngine } from './countingEngine.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const RULE = 'GC(1.5)';
/** Milliseconds that long tests may take on a busy machine. */
const PATIENCE = 300_000;

/** Without LIPSOID_RUNS each kind of budget once, by one rule: float64, and float32 in the buffers of a GPU. */
const thorough = runs(1) > 1;
/** Bytes of vectors, which plans do not count. */
const SMALL = MIB / 4;

const programOf = (network: Network) => compile(simplify(network));

const sweepOf = (engine: Engine, program: Program, memory: number, rules: readonly RuleName[] = [RULE]) =>
  sweep(engine, program, {
    runs: rules.map((name) => ({ name })),
    memory,
    skips: new Map(),
    rounding: new Rounding(engine.information, 8),
  });

/** Without an analysis of rounding, which sees how sums are cut. */
const bareSweep = (engine: Engine, program: Program, memory: number) =>
  sweep(engine, program, { runs: [{ name: RULE }], memory, skips: new Map() });

/** What a sweep holds at most, operations at work included, and what is left when it is over. */
async function count(
  program: Program,
  memory: number,
  { bytesPerNumber = 8, rules = [RULE] }: { bytesPerNumber?: 4 | 8; rules?: readonly RuleName[] } = {},
) {
  const engine = countingEngine(bytesPerNumber);
  await sweepOf(engine, program, memory, rules);
  await engine.settle();
  return { engine, most: engine.takeWorkingBytes(), left: engine.liveBytes };
}

const budget = (memory: number, wantedRuns = 1) => ({ memory, bytesPerNumber: 8, wantedRuns });

/** How often each frequency of the working grid before step k is covered, a representative of ±ω by its weight. */
function coverage(segment: Segment, pieces: readonly Piece[], k: number): Int32Array {
  const torus = gridSides(segment, k);
  const axes = torus.length;
  const seen = new Int32Array(product(torus));
  const visit = (omega: (axis: number) => number) => {
    let place = 0;
    for (let a = 0; a < axes; a++) place = place * torus[a]! + (omega(a) % torus[a]!);
    seen[place]!++;
  };
  for (const { frequencies } of pieces) {
    const { indices, weights, count } = frequencies;
    for (let f = 0; f < count; f++) {
      const at = (a: number) => indices[f * axes + a]!;
      visit(at);
      if (weights[f] === 2) visit((a) => torus[a]! - at(a));
    }
  }
  return seen;
}

function expectEveryFrequencyOnce(segment: Segment, { pieces }: Partition): void {
  for (let k = 0; k <= segment.steps.length; k++) {
    const weights = pieces[k]!.map((p) => p.frequencies.weights.reduce((a, b) => a + b, 0));
    const total = product(gridSides(segment, k));
    expect(weights.reduce((a, b) => a + b, 0)).toBe(total);
    expect(coverage(segment, pieces[k]!, k).every((times) => times === 1)).toBe(true);
  }
}

/** Every piece is made from its parts: as many of each alias to every frequency of it, next to each other and in its order. */
function expectPartsToAlias(segment: Segment, { pieces }: Partition): void {
  for (let k = 1; k <= segment.steps.length; k++) {
    const torus = gridSides(segment, k);
    const before = pieces[k - 1]!;
    const made = pieces[k]!.flatMap(({ frequencies, parts: [first, end] }) => {
      for (const part of before.slice(first, end)) {
        const copies = part.frequencies.count / frequencies.count;
        const coarse = part.frequencies.indices.map((omega, i) => omega % torus[i % torus.length]!);
        const wanted = Array.from({ length: frequencies.count }, (_, f) =>
          Array.from({ length: copies }, () => [
            ...frequencies.indices.slice(torus.length * f).slice(0, torus.length),
          ]),
        );
        expect([...coarse]).toEqual(wanted.flat(2));
      }
      expect(new Set(before.slice(first, end).map((part) => part.frequencies.count)).size).toBe(1);
      return Array.from({ length: end - first }, (_, i) => first + i);
    });
    expect(made).toEqual([...before.keys()]);
  }
}

/** VGG-16 at 224×224. Its fully connected layers have no weights to speak of: 124 M random ones take longer than all of this. */
const convolutions = vgg16Convolutions(224, true);
const vgg = withClassifier(convolutions, [4096, 4096, 1000]);

describe('the room for what is computed', () => {
  const plain = vgg16Convolutions(32, false, 32);
  const withMemory = (memory: number | undefined) => ({
    information: { ...countingEngine(4).information, ...(memory !== undefined && { memory }) },
  });

  it('is what a GPU has by default, if that is more, but in main memory as ever', () => {
    const [usual, gpu, small] = [undefined, 8 * GIB, GIB].map((memory) =>
      roomIn(undefined, Infinity, withMemory(memory), plain),
    );
    expect([usual!.bytes, gpu!.bytes, small!.bytes]).toEqual([2 * GIB, 8 * GIB, 2 * GIB]);
    expect([usual!.host, gpu!.host, small!.host]).toEqual([2 * GIB, 2 * GIB, 2 * GIB]);
    expect(roomIn(undefined, MIB, withMemory(8 * GIB), plain)).toMatchObject({ bytes: MIB, host: MIB });
    const asked = roomIn(GIB, Infinity, withMemory(8 * GIB), plain);
    expect(asked.bytes).toBe(GIB - asked.weights);
    expect(asked.host).toBe(asked.bytes);
  });

  it('is as much as two of the largest buffers of a real GPU, 8 GiB at most', async () => {
    for (const [binding, memory] of [
      [2 ** 28, 2 ** 29],
      [2 ** 40, 8 * GIB],
    ] as const) {
      expect((await idleGpu(binding)).engine.information.memory).toBe(memory);
    }
  });
});

describe('VGG-16 at 224×224 within 1 GiB', () => {
  const program = compile(simplify(vgg));
  const segments = program.segments.filter((s) => s.steps.length > 0);

  it('has a segment for each of its five poolings, and one for the layers that read the last', () => {
    expect(segments.map((s) => s.torus)).toEqual([...[225, 113, 57, 29, 15].map((n) => [n, n]), []]);
    expect(segments.at(-1)!.steps[0]!.before[0]!.rows).toBe(25_088);
  });

  it('puts every frequency into exactly one piece', () => {
    for (const segment of segments) {
      if (segment.axes > 0) expectEveryFrequencyOnce(segment, partition(segment, budget(GIB)));
    }
  });

  it.runIf(thorough)(
    'keeps to the budget in float32, two rules, taps, symbols and copies included',
    async () => {
      const { most, left } = await count(program, GIB, { bytesPerNumber: 4, rules: ['SN(1)', 'GC(1.5)'] });
      expect(most).toBeLessThanOrEqual(GIB);
      // A budget is there to be used.
      expect(most).toBeGreaterThan(GIB / 2);
      expect(left).toBe(0);
    },
    PATIENCE,
  );

  it('keeps to it in float64', { timeout: PATIENCE }, async () => {
    const { most, left } = await count(program, GIB);
    expect(most).toBeLessThanOrEqual(GIB);
    expect(left).toBe(0);
  });

  it.each(thorough ? ([RULE, 'mixed'] as const) : ([RULE] as const))(
    'keeps to it by %s in the buffers of a GPU that binds 128 MiB',
    async (rule) => {
      const { engine } = await idleGpu();
      await sweepOf(engine, program, GIB, [rule]);
      expect(engine.peakBytes).toBeLessThanOrEqual(GIB);
      expect(engine.peakBytes).toBeGreaterThan(GIB / 2);
    },
  );
});

/** Fully connected layers of so many outputs at the end, all zero. */
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
    append({ kind: 'affine', outputs, inputs, weight: new Float64Array(outputs * inputs) }, [outputs]);
  }
  return { ...network, tensors, nodes, output };
}

describe('ResNet-50 at 224×224 within 1 GiB', () => {
  const program = programOf(resNet50());

  it.each([4, 8])('can be cut that finely, in numbers of %d bytes', (bytesPerNumber) => {
    expect(leastBytes(program, bytesPerNumber)).toBeLessThanOrEqual(GIB);
  });

  it('cuts the frequencies that alias to one where they do not fit together', () => {
    const blocks = program.segments[1]!;
    const plan = partition(blocks, budget(GIB));
    expect(plan.pieces[0]!.length).toBeGreaterThan(plan.pieces.at(-1)!.length);
    expectEveryFrequencyOnce(blocks, plan);
    expectPartsToAlias(blocks, plan);
  });
});

describe('networks of public shapes', () => {
  const programs = [
    ['AlexNet', programOf(alexNet({ divisor: 16 }))],
    ['ResNet-18', programOf(resNet18({ divisor: 16 }))],
    ['ResNet-50', programOf(resNet50({ divisor: 16 }))],
    ['WideResNet-28-10', programOf(wideResNet28x10({ divisor: 16 }))],
  ] as const;

  it.each(programs)('%s: every frequency is in exactly one piece, whatever the budget', (_name, program) => {
    const segments = program.segments.filter((s) => s.axes > 0);
    const number = fc.nat(segments.length - 1);
    const exponent = fc.double({ min: 10, max: 33, noNaN: true });
    fc.assert(
      fc.property(number, exponent, fc.integer({ min: 1, max: 10 }), (k, log2, rules) => {
        const plan = partition(segments[k]!, budget(2 ** log2, rules));
        expectEveryFrequencyOnce(segments[k]!, plan);
        expectPartsToAlias(segments[k]!, plan);
      }),
      { numRuns: runs(4) },
    );
  });

  it.each(programs)('%s has no more taps than the plan reckons with', (_name, program) => {
    for (const segment of program.segments) {
      for (const step of segment.steps) {
        if (segment.axes === 0 || (step.kind !== 'linear' && step.kind !== 'read')) continue;
        const { taps, matrices } = tapsOf(step, segment.axes);
        expect(tapCount(segment, step)).toBeGreaterThanOrEqual(taps.length);
        expect(entries(step)).toBe(matrices.length / taps.length);
      }
    }
  });

  it.each(programs)('%s ends in its classes', (_name, { segments, output }) => {
    expect(output.window).toEqual([]);
    expect(segments.at(-1)!.axes).toBe(0);
  });
});

describe('small networks', () => {
  const programs = [
    ['AlexNet', programOf(alexNet({ side: 64, divisor: 16 }))],
    ['VGG-16', programOf(vgg16({ side: 32, divisor: 16 }))],
    ['ResNet-18', programOf(resNet18({ side: 64, divisor: 16 }))],
  ] as const;

  it.each(programs)('%s: keeps to every budget that is enough for one frequency', async (_name, program) => {
    for (const bytesPerNumber of [4, 8] as const) {
      const least = leastBytes(program, bytesPerNumber);
      for (const share of [1, 1.5, 4]) {
        const rules = ['SN(1)', RULE, 'mixed'] as const;
        const { most, left } = await count(program, share * least, { bytesPerNumber, rules });
        expect(most, `${share} times the least`).toBeLessThanOrEqual(share * least + SMALL);
        expect(left).toBe(0);
      }
    }
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

describe('a budget that calls for pieces', () => {
  const plain = vgg16Convolutions(32, true, 16);

  it('changes the memory and not the bound', async () => {
    const ample = await run(plain, GIB);
    const memory = 1.25 * MIB;
    const scant = await run(plain, memory);
    const { bytes } = roomIn(memory, Infinity, countingEngine(), plain, simplify(plain));
    expect(pieceCounts(plain, bytes).some(([first]) => first > 1)).toBe(true);
    expect(scant.peakBytes).toBeLessThan(ample.peakBytes);
    expect(scant.peakBytes).toBe((await count(programOf(plain), bytes)).engine.peakBytes);
    expect(Math.abs(scant.upper / ample.upper - 1)).toBeLessThan(1e-8);
  });

  it('changes no bound where aliases are cut apart and matrices go in column by column', async () => {
    const network = strided();
    expect(pieceCounts(network, 1).some(([first, last]) => first > last)).toBe(true);
    const engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
    try {
      const ample = await logarithm(engine, programOf(network), GIB);
      const scant = await logarithm(engine, programOf(network), 1);
      expect(Math.abs(scant - ample)).toBeLessThan(1e-8);
    } finally {
      await engine.close();
    }
  });

  /** Pieces of the first and the last grid of each segment. */
  const pieceCounts = (network: Network, memory: number) =>
    programOf(network).segments.map((s) => {
      const { pieces } = partition(s, budget(memory));
      return [pieces[0]!.length, pieces.at(-1)!.length] as const;
    });

  it(
    'changes no bound of random networks',
    async () => {
      const engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
      let bounded = 0;
      try {
        await fc.assert(
          fc.asyncProperty(
            fc.oneof(...Object.values(FAMILIES)),
            fc.double({ min: -3, max: 4, noNaN: true }),
            async (plan, log2) => {
              const program = supported(networkOf(plan));
              // Long ones take too long a frequency at a time.
              if (!program || program.segments.some((s) => product(s.torus) > 1000)) return;
              bounded++;
              const ample = await logarithm(engine, program, GIB);
              const scant = await logarithm(engine, program, leastBytes(program, 8) * 2 ** log2);
              if (ample === Number.NEGATIVE_INFINITY) expect(scant).toBe(ample);
              else expect(Math.abs(scant - ample)).toBeLessThan(1e-8);
            },
          ),
          { numRuns: runs(40) },
        );
        expect(bounded).toBeGreaterThan(5);
      } finally {
        await engine.close();
      }
    },
    runs(PATIENCE),
  );
});

/** The program of a network that works on a torus. */
function supported(network: Network): Program | undefined {
  try {
    return programOf(network);
  } catch (error) {
    if (error instanceof UnsupportedError) return undefined;
    throw error;
  }
}

/** log2 of the square of the bound by one rule, beside which nothing is known of skips. */
async function logarithm(engine: Engine, program: Program, memory: number): Promise<number> {
  const [{ squared }] = (await bareSweep(engine, program, memory)) as [Outcome];
  return Math.log2(squared.mantissa) + squared.exponent;
}

/** Two convolutions of stride 2, a residual connection between them, and a layer that reads the whole. */
function strided(): Network {
  const next = normals(7);
  const builder = new NetworkBuilder('strided');
  const convolution = (outputs: number, inputs: number, stride: number): Operator => ({
    ...{ kind: 'convolution', outputs, inputs, groups: 1, kernel: [3, 3], stride: [stride, stride] },
    ...{ dilation: [1, 1], padding: { mode: 'zero', before: [1, 1], after: [1, 1] } },
    weight: Float64Array.from({ length: 9 * outputs * inputs }, next),
  });
  const relu: Operator = { kind: 'nonlinearity', function: { name: 'relu' } };
  let last = builder.input('image', [2, 12, 12]);
  const add = (name: string, operator: Operator, ...inputs: TensorId[]) => {
    last = builder.add(name, operator, inputs.length > 0 ? inputs : [last]);
    return last;
  };
  add('down_1', convolution(4, 2, 2));
  const skipped = add('relu_1', relu);
  add('branch', convolution(4, 4, 1));
  add('relu_2', relu);
  add('sum', { kind: 'add', coefficients: [1, 1] }, skipped, last);
  add('down_2', convolution(5, 4, 2));
  add('relu_3', relu);
  const weight = Float64Array.from({ length: 6 * 45 }, next);
  return builder.build(add('linear', { kind: 'affine', outputs: 6, inputs: 45, weight }));
}

/** The bound by one rule on Wasm, and the most bytes that the engine held. */
async function run(network: Network, memory: number): Promise<{ upper: number; peakBytes: number }> {
  const engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
  try {
    const result = await bound(network, { engine, method: 'closed-form', rule: RULE, memory });
    return { upper: result.bound!, peakBytes: engine.peakBytes };
  } finally {
    await engine.close();
  }
}
