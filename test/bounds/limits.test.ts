/** Sizes are known before memory is taken, walks visit a node once, and depth is no matter. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bound } from '../../src/bounds/bound.ts';
import { beyondSampling, disproportion, formatBytes, MemoryError } from '../../src/bounds/budget.ts';
import { inspect } from '../../src/bounds/inspect.ts';
import { allowanceOf, evaluationsWithin, sampledShare } from '../../src/bounds/proportion.ts';
import { needsOf } from '../../src/ellipsoid/memory/needs.ts';
import { secondsOf, secondsOfGradient } from '../../src/ellipsoid/memory/seconds.ts';
import { skipsOf } from '../../src/ellipsoid/multipliers/skips.ts';
import { Gains } from '../../src/ellipsoid/norms/gains.ts';
import { normsOf } from '../../src/ellipsoid/norms/norms.ts';
import { schurNorm } from '../../src/ellipsoid/norms/schur.ts';
import { byColumns } from '../../src/ellipsoid/rules/columns.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { InputError, UnsupportedError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { evaluationNeeds } from '../../src/network/evaluation/needs.ts';
import { PreparedNetwork } from '../../src/network/evaluation/preparedNetwork.ts';
import { fewestSamplesInside, mostWindowsSharing } from '../../src/network/evaluation/windows.ts';
import type { Network, TensorId } from '../../src/network/network.ts';
import type { Convolution, Operator } from '../../src/network/operator.ts';
import { keepsOutputOrder } from '../../src/network/outputOrder.ts';
import { weightBytes } from '../../src/network/parameters.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import { compile } from '../../src/program/compile.ts';
import { ONE, toNumber } from '../../src/scaled.ts';
import { integers, model, node, read } from '../formats/onnx/build.ts';
import { Random } from '../support/random.ts';

const RELU: Operator = { kind: 'nonlinearity', function: { name: 'relu' } };

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

interface Geometry {
  readonly stride?: number;
  readonly dilation?: number;
  readonly pad?: number;
  readonly weight?: readonly number[];
}

function convolution(axes: number, channels: number, geometry: Geometry = {}): Convolution {
  const { stride = 1, dilation = 1, pad = 1, weight } = geometry;
  const every = (value: number) => new Array<number>(axes).fill(value);
  const length = channels * channels * 3 ** axes;
  return {
    kind: 'convolution',
    outputs: channels,
    inputs: channels,
    groups: 1,
    kernel: every(3),
    stride: every(stride),
    dilation: every(dilation),
    padding: { mode: 'zero', before: every(pad), after: every(pad) },
    weight: Float64Array.from({ length }, (_, k) => weight?.[k] ?? Math.sin(k + 1)),
  };
}

function chain(shape: readonly number[], operators: readonly Operator[]): Network {
  const builder = new NetworkBuilder('chain');
  let tensor = builder.input('x', shape);
  for (const operator of operators) tensor = builder.add('', operator, [tensor]);
  return builder.build(tensor);
}

/** Blocks x + relu(conv x). */
function residual(blocks: number): Network {
  const builder = new NetworkBuilder('residual');
  let tensor = builder.input('x', [1, 6]);
  for (let k = 0; k < blocks; k++) {
    const inner = builder.add('', RELU, [builder.add('', convolution(1, 1), [tensor])]);
    tensor = builder.add('', { kind: 'add', coefficients: [1, 1] }, [tensor, inner]);
  }
  return builder.build(builder.add('', { kind: 'global-average-pool', sum: false }, [tensor]));
}

/** Each node adds or stacks its input twice. */
function doubled(times: number, operator: Operator, shape: readonly number[]): Network {
  const builder = new NetworkBuilder('doubled');
  let tensor: TensorId = builder.input('x', shape);
  for (let k = 0; k < times; k++) tensor = builder.add('', operator, [tensor, tensor]);
  return builder.build(tensor);
}

const run = (network: Network) => bound(network, { engine });

describe('sizes far beyond any memory', () => {
  const huge: [string, () => Network][] = [
    [
      'two convolutions on 4096×4096',
      () => chain([1, 4096, 4096], [convolution(2, 1), RELU, convolution(2, 1)]),
    ],
    ['a convolution on 1000×1000×1000', () => chain([1, 1000, 1000, 1000], [convolution(3, 1)])],
    ['a stride of 2^31 − 1', () => chain([1, 8], [convolution(1, 1, { stride: 2 ** 31 - 1 })])],
    ['a padding of 10^8', () => chain([1, 8], [convolution(1, 1, { pad: 1e8 })])],
    ['a dilation of 10^9', () => chain([1, 8], [convolution(1, 1, { dilation: 1e9, pad: 1e9 }), RELU])],
    [
      'coprime strides',
      () =>
        chain(
          [1, 1e8],
          [997, 991, 983].flatMap((stride) => [convolution(1, 1, { stride }), RELU]),
        ),
    ],
    [
      'windows of 10^7 samples',
      () => {
        const pad = [1e7 - 1];
        const padding = { mode: 'zero', before: pad, after: pad } as const;
        const pool = {
          kind: 'average-pool',
          kernel: [1e7],
          stride: [1],
          padding,
          countIncludesPadding: true,
        } as const;
        return chain([1, 8], [pool]);
      },
    ],
    ['2^26 features out of 4', () => doubled(24, { kind: 'concat' }, [4])],
  ];

  it.each(huge)('%s: a product of norms, with what else it would take', async (_, make) => {
    const network = make();
    expect(() => inspect(network)).not.toThrow();
    const result = await run(network);
    expect(result.bound).toBeGreaterThan(0);
    expect(result.methods.some((m) => m.method === 'spectral-product' && m.bound !== null)).toBe(true);
    const torus = result.methods.find((m) => m.method === 'closed-form')!;
    expect(torus.error).toMatch(
      /more than the memory budget of 2\.15 GB; raise --memory|left out, as it would/,
    );
  });

  it('10^9 features that go through a nonlinearity', async () => {
    const network = chain([1e9], [RELU]);
    const result = await bound(network, { engine });
    // Their slope needs no covariance.
    expect(result.bound).toBeGreaterThanOrEqual(1);
    expect(result.bound).toBeLessThan(1 + 1e-9);
    const closed = result.methods.find(({ method }) => method === 'closed-form');
    expect(closed?.error).toMatch(/x: input of 1000000000 features.*TB/);
  });

  it('more entries than positions can tell apart', () => {
    const make = () => chain([3, 1e9, 7], [RELU]);
    expect(make).toThrow(InputError);
    expect(make).toThrow(/x: input: must have at most 2\^31 − 1 entries, got \[3, 1000000000, 7\]/);
  });

  it('more axes than any tensor has', () => {
    const make = (axes: number) => () => chain(new Array<number>(axes).fill(1), [RELU]);
    expect(make(64)).not.toThrow();
    expect(make(65)).toThrow(/x: input: must have at most 64 axes, got 65/);
  });

  it('what is asked for is refused with its size', async () => {
    const network = chain([1, 8], [convolution(1, 1, { pad: 1e7 }), RELU, convolution(1, 1)]);
    const options = { engine, method: 'closed-form', memory: 1e7, lower: false } as const;
    const refusal = await bound(network, options).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(MemoryError);
    const bytes = (refusal as MemoryError).bytes;
    expect(bytes).toBeGreaterThan(1e8);
    const weights = weightBytes(network, simplify(network));
    expect(bytes).toBe(needsOf(compile(simplify(network)), 8).bytes + weights);
  });

  it('has no lower bound that would take more than the memory', () => {
    const network = chain([1, 4096, 4096], [convolution(2, 1)]);
    expect(beyondSampling(network, 2 ** 31, Infinity)).toMatch(/it would take about \d\.\d+ GB, more than/);
    expect(beyondSampling(chain([1, 64, 64], [convolution(2, 1)]), 2 ** 31, Infinity)).toBeUndefined();
  });

  it('is written in the units of --memory, never less than it is', () => {
    expect([999, 1000, 5.2e9, 123_456_789].map(formatBytes)).toEqual([
      '999 bytes',
      '1 kB',
      '5.2 GB',
      '124 MB',
    ]);
    expect(formatBytes(5.2001e9)).toBe('5.21 GB');
  });
});

describe("Schur's test", () => {
  it('is not below the norm that frequencies give, nor far above', async () => {
    for (const operator of [
      convolution(1, 3),
      convolution(1, 2, { stride: 2 }),
      convolution(1, 1, { dilation: 2, pad: 2, weight: [1, 2, 1] }),
      { ...convolution(1, 3), outputs: 2, weight: new Random(1).normals(18, 1) },
    ]) {
      const program = compile(chain([operator.inputs, 12], [operator]));
      const norms = await normsOf(engine, program, { memory: 1e9 });
      const step = program.segments[0]!.steps[0]!;
      if (step.kind !== 'linear') throw new Error('a linear step was expected');
      const { term } = step.terms[0]!;
      const [exact, tested] = [toNumber(norms.get(term.map)!)!, toNumber(schurNorm(term, 0))!];
      expect(tested).toBeGreaterThanOrEqual(exact * (1 - 1e-9));
      expect(tested).toBeLessThan(exact * 3);
      // Whether entries are read off an array or told one by one.
      if (term.map.kind !== 'convolution') throw new Error('a convolution was expected');
      const { table, ...kernel } = term.map.kernel;
      expect(table).toBeDefined();
      expect(schurNorm({ ...term, map: { ...term.map, kernel } }, 0)).toEqual(schurNorm(term, 0));
    }
  });
});

describe('walks over graphs', () => {
  it('60 doublings are 2^60, and 27 residual blocks no more work than their nodes', async () => {
    const result = await run(doubled(60, { kind: 'add', coefficients: [1, 1] }, [4]));
    expect(result.bound! / 2 ** 60).toBeCloseTo(1, 4);
    expect(keepsOutputOrder(residual(300))).toBe(true);
  });

  it('each variable is evaluated once', async () => {
    const count = async (blocks: number) => {
      const program = compile(simplify(residual(blocks)));
      const norms = await normsOf(engine, program, { memory: 1e9 });
      let looked = 0;
      const counting = new Map(norms);
      counting.get = (map) => {
        looked++;
        return norms.get(map);
      };
      const input = program.segments[0]!.start[0]!.variable;
      new Gains(new Map([[input, ONE]]), counting).of(program.output);
      const once = looked;
      skipsOf(program, counting);
      return [once, looked - once] as const;
    };
    const [few, skipsFew] = await count(20);
    const [many, skipsMany] = await count(40);
    expect(many).toBeLessThanOrEqual(2 * few + 2);
    // One look ahead to the join of its block for every nonlinearity.
    expect(skipsMany).toBeLessThanOrEqual(2 * skipsFew + 10);
  });

  it('10,000 layers have a bound', async () => {
    const weight = Float64Array.of(0.8, 0.6, -0.6, 0.8);
    const layer: Operator = { kind: 'affine', outputs: 2, inputs: 2, weight };
    const network = chain([2], new Array<Operator>(10_000).fill(layer));
    const result = await bound(network, { engine, lower: false, timeLimit: 600 });
    expect(result.bound).toBeGreaterThan(1 - 1e-9);
    expect(result.bound).toBeLessThan(1.001);
    expect(result.methods.find((m) => m.method === 'closed-form')!.error).toMatch(/left out.*10000 steps/);
  });
});

describe('very many inputs and branches', () => {
  it.each(['add', 'concat'] as const)(
    '10^5 inputs of one %s',
    async (kind) => {
      const count = 1e5;
      const builder = new NetworkBuilder('wide');
      const x = builder.input('x', [2]);
      const operator: Operator =
        kind === 'add' ? { kind, coefficients: new Array<number>(count).fill(1) } : { kind };
      const network = builder.build(builder.add('', operator, new Array<TensorId>(count).fill(x)));
      const result = await bound(network, { engine, lower: false });
      expect(result.bound! / (kind === 'add' ? count : Math.sqrt(count))).toBeCloseTo(1, 4);
    },
    30_000,
  );

  it('samples fewer points where next to nothing goes through very many operators', () => {
    const work = (layers: number) =>
      new PreparedNetwork(chain([1], new Array<Operator>(layers).fill(RELU))).work;
    expect(work(4000)).toBe(2 * work(2000));
    expect(work(2000)).toBeGreaterThan(100 * 2000);
    // Work in proportion to entries is what it was.
    expect(new PreparedNetwork(chain([1e5], [RELU])).work).toBe(1e5);
  });

  it('every seventh of 10^9 entries, without a list of them', async () => {
    const stretch = { s: 3, e: 1e9, a: 2, st: 7 };
    const bytes = model([node('Slice', 'x s e a st', 'y')], {
      inputs: { x: [1, 1, 1e9] },
      initializers: Object.entries(stretch).map(([name, value]) => integers(name, [1], [value])),
    });
    const from = Array.from;
    let longest = 0;
    const watched = vi.spyOn(Array, 'from').mockImplementation((...values: unknown[]) => {
      longest = Math.max(longest, (values[0] as { length?: number }).length ?? 0);
      if (longest > 1e6) throw new Error(`a list of ${longest} entries`);
      return Reflect.apply(from, Array, values);
    });
    const network = await read(bytes).finally(() => watched.mockRestore());
    expect(network.tensors[network.output]!.shape).toEqual([1, 142857143]);
    expect(longest).toBeLessThan(1000);
  });

  it('four of 10^9 channels, without a list of them', () => {
    const builder = new NetworkBuilder('picked');
    const picked = builder.add('', { kind: 'gather', sources: Int32Array.of(3, 999_999_999, 0, 0) }, [
      builder.input('x', [1e9, 2]),
    ]);
    const from = Int32Array.from;
    let longest = 0;
    const watched = vi.spyOn(Int32Array, 'from').mockImplementation((...values: unknown[]) => {
      longest = Math.max(longest, (values[0] as { length?: number }).length ?? 0);
      if (longest > 1e6) throw new Error(`a list of ${longest} entries`);
      return Reflect.apply(from, Int32Array, values);
    });
    try {
      expect(simplify(builder.build(picked)).nodes.length).toBeGreaterThan(0);
    } finally {
      watched.mockRestore();
    }
    expect(longest).toBeLessThan(1000);
  });

  it('branches beyond any plan are refused by name', () => {
    const branches = (count: number) => {
      const builder = new NetworkBuilder('branches');
      const x = builder.input('x', [2]);
      const parts = Array.from({ length: count }, () => builder.add('part', RELU, [x]));
      const operator: Operator = { kind: 'add', coefficients: new Array<number>(count).fill(1) };
      return builder.build(builder.add('', operator, parts));
    };
    expect(() => compile(branches(200))).not.toThrow();
    expect(() => compile(branches(4000))).toThrow(UnsupportedError);
    expect(() => compile(branches(4000))).toThrow(/beside 31\d\d other branches/);
  });
});

describe('what nobody asks for is in proportion to the file', () => {
  const fromFile = (network: Network, bytes: number): Network => ({
    ...network,
    source: { file: 'n.onnx', sha256: '00', bytes },
  });
  const wide = () => chain([32, 64, 64], [convolution(2, 32), RELU, convolution(2, 32), RELU]);

  it('grows with the square of its size, and is no limit without a file', () => {
    const [small, large] = [200, 1e6].map((bytes) => allowanceOf(fromFile(wide(), bytes)));
    expect(small!.memory).toBeLessThan(5e8);
    expect(large!.memory).toBeGreaterThan(2 ** 31);
    expect(large!.search / small!.search).toBeGreaterThan(1000);
    expect(allowanceOf(wide()).closedForms).toBe(Infinity);
    const deep = chain([4], new Array<Operator>(4000).fill(RELU));
    expect(allowanceOf(fromFile(deep, 2e5))).toEqual(allowanceOf(fromFile(deep, 0)));
  });

  it('closed forms and lower bounds of a few hundred bytes are left out where they take long', async () => {
    const result = await run(fromFile(wide(), 300));
    expect(result.bound).toBeGreaterThan(0);
    const closed = result.methods.find((m) => m.method === 'closed-form')!;
    expect(closed.error).toMatch(/left out.* s, out of proportion to the file; ask for it/);
    expect(result.note).toMatch(
      /one evaluation of the network takes 7\.6e\+7 operations on .* numbers, out of proportion/,
    );
    const program = compile(simplify(wide()));
    const { closedForms } = allowanceOf(fromFile(wide(), 2 * weightBytes(wide())));
    expect(disproportion(program, 19, closedForms)).toBeUndefined();
  });

  it('counts the norm of the last covariance, which a network without steps has too', () => {
    const [narrow, broad] = [4, 600].map((channels) =>
      secondsOf(compile(simplify(chain([channels, 600], [{ kind: 'scale', scale: Float64Array.of(2) }])))),
    );
    expect(broad!).toBeGreaterThan(1000 * narrow!);
  });

  it('norms beyond their time are those of Schur’s test', async () => {
    const network = chain([3, 12], [convolution(1, 3)]);
    const program = compile(network);
    const step = program.segments[0]!.steps[0]!;
    if (step.kind !== 'linear') throw new Error('a linear step was expected');
    const { term } = step.terms[0]!;
    const left = await normsOf(engine, program, { memory: 1e9, seconds: 0 });
    expect(left.get(term.map)).toEqual(schurNorm(term, 0));
    const exact = await normsOf(engine, program, { memory: 1e9, seconds: 1 });
    expect(exact.get(term.map)).toEqual((await normsOf(engine, program, { memory: 1e9 })).get(term.map));
  });

  it('says so of a product of such norms', async () => {
    const large = fromFile(chain([16, 512, 512], [convolution(2, 16)]), 300);
    const { note, bound: product } = await bound(large, { engine, lower: false });
    expect(product).toBeGreaterThan(0);
    expect(note).toMatch(
      /^Of 1 linear map the norm is bounded by sums of entries .* ask for it with --method/,
    );
    const small = await bound(chain([3, 8, 8], [convolution(2, 3)]), { engine, lower: false });
    expect(small.note).toBeUndefined();
  });

  it('a search makes fewer evaluations, or none', () => {
    const program = compile(simplify(wide()));
    const { search } = allowanceOf(fromFile(wide(), 300));
    expect(evaluationsWithin(program, Infinity)).toBe(Infinity);
    // Many small operations each way.
    const deep = compile(simplify(residual(40)));
    expect(secondsOfGradient(deep)).toBeGreaterThan(4 * secondsOf(deep));
    expect(evaluationsWithin(program, 100 * search)).toBeGreaterThan(10);
    expect(evaluationsWithin(program, search / 100)).toMatch(
      /left out, as one evaluation of the search takes/,
    );
  });

  it('a lower bound of large tensors is sampled with fewer products', () => {
    const large = () => chain([1e6], [RELU]);
    expect(sampledShare(fromFile(large(), 300))).toBeLessThan(0.6);
    expect(sampledShare(fromFile(large(), 1e6))).toBe(1);
    expect(sampledShare(large())).toBe(1);
    expect(sampledShare(fromFile(chain([3, 32, 32], [convolution(2, 3)]), 300))).toBe(1);
    const beyond = (entries: number, bytes: number) => {
      const network = fromFile(chain([entries], [RELU, RELU]), bytes);
      return beyondSampling(network, 2 ** 40, allowanceOf(network).sampled);
    };
    expect(beyond(1e6, 300)).toBeUndefined();
    expect(beyond(4e6, 300)).toMatch(
      /8\.0e\+6 operations on 1\.2e\+7 numbers, out of proportion to the file/,
    );
    expect(beyond(4e6, 1e6)).toBeUndefined();
  });

  it('counts the points that a search for a lower bound keeps', () => {
    const bytes = (entries: number) => evaluationNeeds(chain([entries], [RELU])).bytes;
    expect(bytes(1e6)).toBeGreaterThanOrEqual(8 * 25 * 1e6);
  });

  it('slices of a wide dense matrix make no list of its columns unless asked', () => {
    const columns = 1000;
    const dense = { rows: 1, columns, matrices: new Float64Array(columns) };
    const [slice] = byColumns(engine, dense, columns);
    expect(slice!.columns).toBeTypeOf('function');
    expect(slice!.columns()).toHaveLength(columns);
    engine.release(slice!.matrices);
  });
});

describe('counts that have a closed form', () => {
  it('are those of counting', () => {
    for (let kernel = 1; kernel <= 6; kernel++) {
      for (let stride = 1; stride <= 6; stride++) {
        for (let dilation = 1; dilation <= 6; dilation++) {
          const counts = new Array<number>(stride).fill(0);
          for (let t = 0; t < kernel; t++) counts[(t * dilation) % stride]!++;
          expect(mostWindowsSharing(kernel, stride, dilation)).toBe(Math.max(...counts));
        }
        for (let before = 0; before < kernel; before++) {
          for (let windows = 1; windows <= 5; windows++) {
            const inside = Array.from({ length: windows }, (_, j) => {
              const start = j * stride - before;
              return Math.min(start + kernel, 9) - Math.max(start, 0);
            });
            expect(fewestSamplesInside(kernel, stride, before, 9, windows)).toBe(Math.min(...inside));
          }
        }
      }
    }
    expect(mostWindowsSharing(2 ** 31 - 1, 2, 1)).toBe(2 ** 30);
  });
});

/** Files that hung or took gigabytes once. */
const cases = fileURLToPath(new URL('../../../shared/cases/unsound/', import.meta.url));
const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const present = existsSync(cases) && existsSync(command);

describe.skipIf(!present)('files that hung once', () => {
  const files = present ? readdirSync(cases).filter((name) => name.startsWith('C_')) : [];
  it.each(files)(
    '%s',
    async (name) => {
      const code = await new Promise<unknown>((resolve) => {
        const options = { timeout: 120_000, killSignal: 'SIGKILL' } as const;
        execFile('node', ['--max-old-space-size=600', command, 'bound', cases + name], options, (error) =>
          resolve(error === null ? 0 : (error.code ?? error.signal)),
        );
      });
      expect([0, 1, 2]).toContain(code);
    },
    130_000,
  );
});
