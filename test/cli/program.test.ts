import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/bounds/defaults.ts';
import type { BoundGradient, BoundGradientOptions } from '../../src/bounds/gradient/boundGradient.ts';
import type { Inspection } from '../../src/bounds/inspect.ts';
import type { BoundOptions, BoundResult, SearchReport } from '../../src/bounds/result.ts';
import type { Certificate } from '../../src/certificate/format.ts';
import type { Library, LoadOptions } from '../../src/cli/library.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { InputError, UnsupportedError } from '../../src/errors.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';
import { readArray } from '../../src/node.ts';
import type { SdpSolution, SolveOptions } from '../../src/sdp/solve.node.ts';
import { recorder } from './recorder.ts';

const network = ((): Network => {
  const b = new NetworkBuilder('tiny');
  const x = b.input('x', [3]);
  const weight = Float64Array.of(1, 2, 3, 4, 5, 6);
  const y = b.add('fc', { kind: 'affine', outputs: 2, inputs: 3, weight, bias: Float64Array.of(0, 0) }, [x]);
  return b.build(y, { file: 'tiny.onnx', sha256: 'ab12', bytes: 1000 });
})();

const information = { name: 'cpu-wasm', description: 'Wasm, 2 threads', unitRoundoff: 2 ** -53, threads: 2 };

const result: BoundResult = {
  bound: 9.5080328,
  log10: 0.97809,
  norms: { input: '2', output: '2' },
  method: 'closed-form',
  rule: 'SN(1.3)',
  assurance: 'rounding-safe',
  seconds: 0.5,
  methods: [
    { method: 'spectral-product', bound: null, log10: 400.25, seconds: 0.01 },
    {
      method: 'unrolled',
      bound: null,
      log10: null,
      seconds: 0,
      error: 'conv: dense: too large\nfc: dense: too large',
    },
    { method: 'closed-form', rule: 'SN(1.3)', bound: 9.5080328, log10: 0.97809, seconds: 0.2 },
    { method: 'closed-form', rule: 'GC(1.5)', bound: Number.NaN, log10: Number.NaN, seconds: 0.2 },
    { method: 'closed-form', rule: 'SN(1)', bound: 12, log10: 1.0792, seconds: 0.2 },
  ],
  layers: [{ name: 'conv', op: 'convolution', shape: [2, 4], torus: [5] }],
  engine: information,
};

const inspection: Inspection = {
  name: 'tiny',
  parameters: 8,
  layers: [
    { name: 'conv', op: 'convolution', shape: [8, 28, 28], torus: [29, 29], parameters: 80 },
    { name: 'fc', op: 'affine', shape: [2], torus: null, parameters: 8 },
  ],
  bytes: 1.25e6,
  flops: 3e9,
  refused: [],
  methods: [{ method: 'closed-form' }],
};

const solution: SdpSolution = {
  network: { name: 'tiny', file: 'tiny.onnx', sha256: 'ab12' },
  formulation: 'lipsdp',
  scale: 2,
  bound: 2.3672071,
  status: 'solved',
  exitCode: 0,
  assurance: 'nominal',
  primalObjective: 1.4,
  dualObjective: 1.4,
  relativeGap: 2e-9,
  primalInfeasibility: 0,
  dualInfeasibility: null,
  solver: 'csdp',
  seconds: 0.25,
};

const certificate: Certificate = {
  format: 'lipsoid-certificate',
  version: 3,
  network: { name: 'tiny', sha256: 'ab12', input: [3], output: 'fc' },
  found: { by: 'lipsoid 1.2.3', engine: 'Wasm, 2 threads', method: 'closed-form SN(1.3)' },
  unrolledFrom: null,
  tori: [[]],
  layers: [],
  reach: null,
  claim: { bound: 9.6, log10: 0.98228 },
};

const description: Awaited<ReturnType<Library['describeWeights']>> = {
  proposal: {
    format: 'lipsoid-architecture',
    version: 1,
    weights: 'w.pth',
    input: [2],
    layers: [{ layer: '?', name: 'after fc' }],
  },
  questions: ['after fc'],
};

const gradient: BoundGradient = {
  ...{ bound: 9.5080328, log10: 0.97809, smooth: 2.253, held: ['mask.scale'] },
  weights: [{ name: 'x', shape: [2, 3], values: Float64Array.of(1, 2, 3, 4, 5, 6) }],
  multipliers: { version: 2, network: 'ab12', path: 'torus', layers: [] },
};

interface Calls {
  solve?: SolveOptions | undefined;
  load?: readonly [string, LoadOptions | undefined];
  engine?: object | undefined;
  bound?: BoundOptions | undefined;
  gradient?: (BoundGradientOptions & { centre?: Float64Array | undefined; radius?: number }) | undefined;
  closed: number;
}

/** Runs a command line against a library whose parts `overrides` replaces. */
async function run(
  line: string,
  overrides: Partial<Library> = {},
  signal = new AbortController().signal,
  since?: number,
) {
  const stdout = recorder();
  const stderr = recorder();
  const calls: Calls = { closed: 0 };
  const engine = { information, close: async () => void calls.closed++ } as unknown as Engine;
  const library: Library = {
    loadNetwork: async (path, options) => {
      calls.load = [String(path), options];
      return network;
    },
    describeWeights: async () => description,
    createEngine: async (options) => {
      calls.engine = options;
      return engine;
    },
    bound: async (_, options) => {
      calls.bound = options;
      return result;
    },
    boundGradient: async (_, options) => {
      calls.gradient = options;
      return gradient;
    },
    inspect: () => inspection,
    exportSdp: () => ({ text: '', formulation: 'lipsdp', scale: 2, variables: 3, blocks: [5, -2] }),
    solveSdp: async (_, options) => {
      calls.solve = options;
      return solution;
    },
    certifySamples: () => {
      throw new Error('nobody asked for samples');
    },
    openSamples: () => {
      throw new Error('nobody asked for samples');
    },
    readArray: () => {
      throw new Error('nobody asked for an array');
    },
    readPoint: () => {
      throw new Error('nobody asked for a point');
    },
    localBound: () => {
      throw new Error('nobody asked for a point');
    },
    localBoundGradient: async (_, centre, radius, options) => {
      calls.gradient = { centre, radius, ...options };
      const { multipliers: __, ...rest } = gradient;
      return rest;
    },
    exactConstant: () => {
      throw new Error('nobody asked for a point');
    },
    difference: () => {
      throw new Error('nobody asked for two networks');
    },
    differenceNetwork: () => {
      throw new Error('nobody asked for two networks');
    },
    certifyExact: () => {
      throw new Error('nobody found a constant');
    },
    exactBeginning: () => {
      throw new Error('nobody found a constant');
    },
    verifyExact: () => {
      throw new Error('nobody found a constant');
    },
    certifyRegion: () => {
      throw new Error('nobody asked for regions');
    },
    verifyRegion: () => {
      throw new Error('nobody asked for regions');
    },
    verifySet: () => {
      throw new Error('nobody asked for regions');
    },
    certify: async () => certificate,
    verify: async () => ({ accepted: true, bound: 9.6, log10: 0.9823, claimed: certificate.claim }),
    ...overrides,
  };
  const code = await runCommandLine(line.split(' ').filter(Boolean), {
    library: async () => library,
    terminal: { stdout, stderr },
    version: '1.2.3',
    signal,
    ...(since !== undefined && { since }),
  });
  return { code, out: stdout.text, err: stderr.text, calls };
}

describe('lipsoid bound --length any', () => {
  it('asks for every length and says what that took', async () => {
    const length = { lengths: 'any', smallest: 9, frequencies: 64, added: 0.02, tolerance: 0.01 } as const;
    let asked: BoundOptions | undefined;
    const { out, calls } = await run('bound f.onnx --length any --smallest-length 9 --cell-tolerance 0.01', {
      bound: async (_, options) => {
        asked = options;
        return { ...result, length };
      },
    });
    expect(asked).toMatchObject({ length: 'any', smallestLength: 9, cellTolerance: 0.01 });
    expect(out).toMatch(
      /every length from 9 on: 64 frequencies per axis, 2\.0 %.*the limit of frequencies was reached/,
    );
    expect(calls.closed).toBe(1);
    const longer = await run('bound f.onnx --length any', {
      bound: async () => ({ ...result, length: { ...length, exists: 12 } }),
    });
    expect(longer.out).toMatch(/every length from 9 on at which the network exists \(from 12 on\):/);
  });

  it('knows no other word', async () => {
    expect((await run('bound f.onnx --length 12')).code).toBe(1);
  });
});

describe('lipsoid bound', () => {
  it('prints the table sorted, the best marked, and what the number means', async () => {
    const { code, out, err, calls } = await run('bound tiny.onnx --all-rules');
    expect(code).toBe(0);
    expect(err).toBe('');
    const rows = out.split('\n').slice(3, 8);
    expect(rows[0]).toMatch(/^\* {2}closed-form +SN\(1\.3\) +9\.50804 +0\.9781 +0\.200$/);
    expect(rows[1]).toMatch(/^ +closed-form +SN\(1\) +12\.0000/);
    expect(rows[2]).toMatch(/^ +spectral-product +1\.77828e\+400 +400\.2500/);
    expect(rows.slice(3).join('\n')).toMatch(/GC\(1\.5\) +– +–/);
    expect(out).toContain('\n\nunrolled: conv: dense: too large\n  fc: dense: too large\n\n');
    expect(out).toContain('tiny.onnx: 3 → 2, 1 layer; Wasm, 2 threads');
    expect(out).toContain(
      '‖f(x) − f(y)‖₂ ≤ 9.50804 · ‖x − y‖₂ for all inputs x and y (closed-form, SN(1.3)).',
    );
    expect(out).toContain('This is about what LipSDP-type multipliers can show.');
    expect(calls.closed).toBe(1);
    expect(calls.bound?.method).toBe('all');
  });

  it('prints the best rule of each method alone, and how many more rows there are', async () => {
    const { out } = await run('bound tiny.onnx');
    const table = out.split('\n\n')[1]!.split('\n').slice(1);
    expect(table).toHaveLength(3);
    expect(table[0]).toMatch(/^\* {2}closed-form +SN\(1\.3\) +9\.50804/);
    expect(table[1]).toMatch(/^ +spectral-product/);
    expect(table[2]).toMatch(/^ +unrolled +– +–/);
    expect(out).toContain('\n\nunrolled: conv: dense: too large\n');
    expect(out).toContain('Of every method the best rule is shown; --all-rules shows 2 more rows.');
    const { out: all } = await run('bound tiny.onnx --all-rules');
    expect(all).not.toContain('--all-rules');
  });

  it('passes every option on', async () => {
    const { calls } = await run(
      'bound a.onnx --rule Shift(1.5) --engine cpu-blas --threads 3 --input-shape 1x28x28 --output logits --memory 512',
    );
    const signal = expect.any(AbortSignal);
    expect(calls.load).toEqual(['a.onnx', { inputShape: [1, 28, 28], output: 'logits', signal }]);
    const fixed = await run('bound a.onnx --input x --fix h=h.npy --fix c=c=1.npy --batch 1', {
      readArray: async (path) => ({ shape: [path.length], data: new Float64Array() }),
    });
    const fix = new Map([
      ['h', { shape: [5], data: new Float64Array() }],
      ['c', { shape: [7], data: new Float64Array() }],
    ]);
    expect(fixed.calls.load).toEqual(['a.onnx', { input: 'x', fix, batch: 1, signal }]);
    expect(calls.engine).toEqual({ engine: 'cpu-blas', threads: 3 });
    expect(calls.bound).toMatchObject({ method: 'closed-form', rule: 'Shift(1.5)', memory: 512e6 });
    expect((await run('bound a.onnx --seed 7')).calls.bound).toMatchObject({ lower: true, seed: 7 });
    expect((await run('bound a.onnx --no-lower')).calls.bound).toMatchObject({ lower: false });
  });

  it('says what a bound is in', async () => {
    let asked: BoundOptions | undefined;
    const overrides: Partial<Library> = {
      readPoint: async (path, shape) => new Float64Array(shape[0]!).fill(path.length),
      bound: async (_, options) => {
        asked = options;
        return {
          ...result,
          norms: { input: 'inf', output: '1' },
          weights: Float64Array.of(5, 5, 5),
          loose: 'much is lost',
        };
      },
    };
    const line = 'bound a.onnx --norm inf --output-norm 1 --weights w.npy';
    const { out } = await run(line, overrides);
    expect(asked).toMatchObject({ norm: 'inf', outputNorm: '1', weights: Float64Array.of(5, 5, 5) });
    expect(out).toContain(
      '‖f(x) − f(y)‖₁ ≤ 9.50804 · ‖(x − y) / w‖∞ for all inputs x and y (closed-form, SN(1.3); w the numbers in w.npy).',
    );
    expect(out).toContain('In these norms much is lost.');
    const document = JSON.parse((await run(`${line} --json`, overrides)).out);
    expect(document).toMatchObject({
      norms: { input: 'inf', output: '1' },
      weighted: true,
      loose: 'much is lost',
    });
  });

  it('shows the largest sensitivities, and all of them in JSON', async () => {
    const sensitivities = Array.from({ length: 20 }, (_, k) => 1 + k);
    let asked: BoundOptions | undefined;
    const overrides: Partial<Library> = {
      bound: async (_, options) => {
        asked = options;
        return { ...result, norms: { input: '1', output: '2' }, sensitivities };
      },
    };
    const { out } = await run('bound a.onnx --sensitivities', overrides);
    expect(asked).toMatchObject({ sensitivities: true });
    expect(out).toMatch(/entry +bound\n +19 +20\.0000\n +18 +19\.0000\n/);
    expect(out).toContain('The 12 largest of 20; --json has them all.');
    expect(out).toContain('· ‖x − y‖₁ for all');
    const json = await run('bound a.onnx --sensitivities --json', overrides);
    expect(JSON.parse(json.out).sensitivities).toEqual(sensitivities);
  });

  it('--quiet prints the table alone and shows no progress', async () => {
    const { out, calls } = await run('bound a.onnx --quiet');
    expect(out.split('\n')).toHaveLength(8);
    expect(calls.bound).not.toHaveProperty('onProgress');
  });

  it('--json prints one document with the promised members', async () => {
    const { code, out, err } = await run('bound models/tiny.onnx --json');
    expect([code, err]).toEqual([0, '']);
    expect(JSON.parse(out)).toEqual({
      network: { file: 'models/tiny.onnx', sha256: 'ab12', parameters: 8, layers: 1 },
      engine: information,
      bound: result.bound,
      log10: result.log10,
      norms: { input: '2', output: '2' },
      method: 'closed-form',
      rule: 'SN(1.3)',
      assurance: 'rounding-safe',
      seconds: 0.5,
      methods: JSON.parse(JSON.stringify(result.methods)),
      layers: result.layers,
    });
  });

  it('prints a lower bound beside the bound, rounded down, and how it was had', async () => {
    const lower = {
      value: 7.1234567,
      log10: 0.8526908,
      assurance: 'rounding-safe',
      seed: 3,
      seconds: 0.25,
    } as const;
    const { out } = await run('bound a.onnx', { bound: async () => ({ ...result, lower }) });
    expect(out).toMatch(/\n {3}at least +sampled +7\.12345 +0\.8526 +0\.250\n/);
    expect(out).toContain(
      'At least 7.12345 (sampled): the least such number lies between 7.12345 and 9.50804.',
    );
    const nominal = { ...lower, assurance: 'nominal' as const };
    const bare = await run('bound a.onnx', { bound: async () => ({ ...result, lower: nominal }) });
    expect(bare.out).toContain('At least 7.12345 (sampled, its own rounding not accounted for)');
    const zero = { ...lower, value: 0, log10: null };
    const flat = await run('bound a.onnx', { bound: async () => ({ ...result, lower: zero }) });
    expect(flat.out).toContain('Sampling found no two points at which f differs.');
    const json = await run('bound a.onnx --json', { bound: async () => ({ ...result, lower }) });
    expect(JSON.parse(json.out).lower).toEqual(lower);
  });

  const search: SearchReport = { status: 'converged', evaluations: 42, gap: 0.0125, over: 10 };
  const searched = (report: Partial<SearchReport>, more: Partial<BoundResult> = {}) => ({
    bound: async () => ({
      ...result,
      methods: [
        { method: 'refined', bound: 9.5, log10: 0.97772, seconds: 1, search: { ...search, ...report } },
      ] as const,
      ...more,
    }),
  });

  it('says how a search ended, and over how many evaluations it gained what', async () => {
    const text = async (report: Partial<SearchReport>) => (await run('bound a.onnx', searched(report))).out;
    expect(await text({})).toContain(
      'Search (refined): converged after 42 evaluations; the last 10 evaluations gained 1.3 %.\n',
    );
    expect(await text({ over: 1 })).toContain('; the last evaluation gained 1.3 %.');
    expect(await text({ status: 'evaluations', evaluations: 1, gap: 0, over: 0 })).toContain(
      'Search (refined): stopped at 1 evaluation.\n',
    );
    expect(await text({ margins: { before: 12.5, after: 10 } })).toContain(
      '; root of the sum of squares of all margins 10.0000, of the closed form 12.5000.',
    );
  });

  it('says in JSON how a search ended as a sentence, whatever that is', async () => {
    const status = async (report: Partial<SearchReport>) => {
      const { out } = await run('bound a.onnx --json', searched(report));
      return JSON.parse(out).methods[0].search;
    };
    expect(await status({ status: 'evaluations' })).toEqual({
      ...{ status: 'stopped at 42 evaluations', evaluations: 42, gap: 0.0125, over: 10 },
    });
    expect((await status({ status: 'evaluations', evaluations: 1 })).status).toBe('stopped at 1 evaluation');
    for (const known of ['converged', 'time limit', 'interrupted'] as const) {
      expect((await status({ status: known })).status).toBe(known);
    }
  });

  it('advises what was not done and can help, and nothing else', async () => {
    const last = async (line: string, report: Partial<SearchReport>, more: Partial<BoundResult> = {}) =>
      (await run(`bound a.onnx ${line}`, searched(report, more))).out.trimEnd().split('\n').at(-1);
    const margins = [
      [0, 1],
      [1, 0],
    ];
    const about = 'This is about what LipSDP-type multipliers can show';
    expect(await last('', {})).toBe(`${about}.`);
    expect(await last('', {}, { margins })).toMatch(/asks for less and gets less\.$/);
    expect(await last('--target margins', {}, { margins })).toBe(`${about}.`);
    expect(await last('', { status: 'evaluations' })).toBe('Tighter: more --evaluations.');
    expect(await last('', { status: 'time limit' })).toBe('Tighter: a longer --time-limit.');
    expect(await last('', { status: 'interrupted' })).toBe('Tighter: a search that is not interrupted.');
    expect(await last('', { partial: true })).toBe('Tighter: more --memory for the search.');
    expect(await last('--method closed-form', {})).toMatch(/^Tighter: --method all/);
    expect(await last('--rule SN(1)', {})).toMatch(/^Tighter: without --rule/);
    const late = {
      method: 'closed-form',
      bound: null,
      log10: null,
      seconds: 0,
      error: 'late',
      late: true,
    } as const;
    const methods = [...result.methods, late];
    expect(await last('--rule SN(1)', {}, { methods })).toBe('Tighter: a longer --time-limit.');
    expect(await last('--method unrolled', {})).toBe(`${about}.`);
    const leftOut = { method: 'unrolled', from: 'conv_1', flops: 2.5e9 } as const;
    expect(await last('', {}, { leftOut })).toBe(
      'Not run: the network unrolled from conv_1 on, 2.5 Gflop a pass; --method unrolled does, with one multiplier per neuron.',
    );
    const lower = {
      value: 9.508032,
      log10: 0.97809,
      assurance: 'rounding-safe',
      seed: 0,
      seconds: 1,
    } as const;
    expect(await last('', {}, { lower })).toMatch(/^Nothing is left to gain/);
  });

  it('prints margins where they were asked for: all of few outputs, the largest of many', async () => {
    const table = (n: number) =>
      Array.from({ length: n }, (_, i) =>
        Array.from({ length: n }, (_, j) => (i === j ? 0 : 1 + i + j / 64)),
      );
    const of = async (line: string, margins: number[][] | undefined) =>
      (await run(`bound a.onnx ${line}`, searched({}, margins ? { margins } : {}))).out;
    const few = await of('--target margins', table(3));
    expect(few).toContain('\ni \\ j        0        1\n    1  2.00000\n    2  3.00000  3.01563\n');
    expect(await of('--target margins --quiet', table(3))).toContain('    2  3.00000  3.01563\n');
    const many = await of('--target margins', table(13));
    expect(many).toContain('\n i   j   margin\n12  11  13.1719\n12  10  13.1563\n');
    expect(many).toContain('The 12 largest of 78; --json has them all.');
    expect(await of('', table(3))).not.toContain('Margins');
    expect(await of('--target margins', undefined)).toContain('There is no table of margins');
  });

  it('prints the answer before files, whatever becomes of these', async () => {
    const multipliers = { version: 2, network: 'ab12', path: 'torus', layers: [] } as const;
    const found = searched({}, { multipliers });
    const full = await run('bound a.onnx --certificate /dev/full --save-multipliers /dev/null', found);
    expect(full.code).toBe(1);
    expect(full.out).toContain('Certificate /dev/full: checked');
    expect(full.err).toMatch(/^error: --certificate: \/dev\/full cannot be written: ENOSPC[^\n]*\n$/);
    const json = await run('bound a.onnx --json --save-multipliers /dev/full', found);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out).bound).toBe(9.5080328);
    expect(json.err).toMatch(/^error: --save-multipliers: .*ENOSPC/);
    const none = await run('bound a.onnx --save-multipliers /dev/null');
    expect(none.code).toBe(1);
    expect(none.out).toContain('‖f(x) − f(y)‖₂ ≤');
    expect(none.err).toContain('--save-multipliers: no search has found any');
    const broken = async () => {
      throw new TypeError('x is undefined');
    };
    for (const more of ['', '--json']) {
      const fault = await run(`bound a.onnx --certificate /dev/null ${more}`, { certify: broken });
      expect(fault.code).toBe(3);
      expect(fault.out).toContain('9.508');
      expect(fault.err).toContain('x is undefined');
    }
    const refuses = async () => {
      throw new InputError('tiny: a certificate needs multipliers');
    };
    const refused = await run('bound a.onnx --certificate /dev/null', { certify: refuses });
    expect(refused.code).toBe(2);
    expect(refused.out).toContain('No certificate: tiny: a certificate needs multipliers\n');
  });

  it('a result without any bound is not a success', async () => {
    const none = { ...result, bound: null, log10: null, methods: [] };
    const { code, out } = await run('bound a.onnx', { bound: async () => none });
    expect(code).toBe(2);
    expect(out).toContain('No method gave a bound.');
  });
});

describe('lipsoid describe', () => {
  it('prints the proposal, and what is left to be said beside it', async () => {
    const { code, out, err } = await run('describe w.pth');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(description.proposal);
    expect(err).toMatch(/^1 answer .*docs\/formats\.md/);
    expect(err).toContain('  after fc');
  });
});

describe('lipsoid inspect', () => {
  it('lists layers and the cost', async () => {
    const { code, out, err } = await run('inspect tiny.onnx');
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/conv +convolution +8×28×28 +80 +29×29/);
    expect(out).toContain('about 3.0 Gflop; the largest covariance 1.3 MB');
  });

  it('reports what would be refused', async () => {
    const refused = [{ node: 'pad', found: 'reflect padding', reason: 'not shift-invariant' }];
    const reason = 'pad: reflect padding: bound it without the option length';
    const methods = [{ method: 'closed-form', reason } as const, { method: 'unrolled' } as const];
    const partly = { inspect: () => ({ ...inspection, refused, methods }) };
    const text = await run('inspect tiny.onnx', partly);
    expect(text.code).toBe(0);
    expect(text.out).toContain(
      'Methods that give a bound: unrolled.\nNot closed-form:\n  pad: reflect padding',
    );
    expect(text.out).toContain('bound it without --length');
    const json = await run('inspect tiny.onnx --json', partly);
    expect(JSON.parse(json.out)).toMatchObject({ refused, methods: [{ method: 'closed-form' }, {}] });
    const refusal = new UnsupportedError(refused);
    const wholly = { inspect: () => ({ ...inspection, refused, methods: [], refusal }) };
    const none = await run('inspect tiny.onnx', wholly);
    expect(none.code).toBe(2);
    expect(none.err).toBe((await run('bound tiny.onnx', { bound: () => Promise.reject(refusal) })).err);
    const document = await run('inspect tiny.onnx --json', wholly);
    expect(document.code).toBe(2);
    expect(JSON.parse(document.out)).toMatchObject({ error: { kind: 'unsupported', items: refused } });
  });
});

describe('lipsoid export-gradient', () => {
  it('passes options on, writes the arrays and says what they are', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lipsoid-'));
    try {
      const [out, kept] = [join(folder, 'g.npz'), join(folder, 'm.json')];
      const found = await run(
        `export-gradient a.onnx --out ${out} --save-multipliers ${kept} --target 1,0 --evaluations 0 --time-limit 5 --memory 100 --threads 3`,
      );
      expect([found.code, found.err]).toEqual([0, '']);
      expect(found.calls.gradient).toMatchObject({
        ...{ target: [1, 0], evaluations: 0, timeLimit: 5, memory: 100e6 },
      });
      expect(found.calls.engine).toMatchObject({ threads: 3 });
      expect(found.calls.closed).toBe(1);
      expect(found.out).toContain('1 array; L ≤ 9.5080');
      expect(found.out).toContain('Held constant: mask.scale.');
      const read = await readArray(out);
      expect(JSON.parse(await readFile(kept, 'utf8'))).toEqual(gradient.multipliers);
      expect([read.shape, [...read.data]]).toEqual([
        [2, 3],
        [1, 2, 3, 4, 5, 6],
      ]);
      const again = await run(`export-gradient a.onnx --out ${out} --multipliers ${kept} --json`);
      expect(again.calls.gradient).toMatchObject({ multipliers: gradient.multipliers });
      expect(JSON.parse(again.out)).toEqual({
        ...{ network: { file: 'a.onnx', sha256: 'ab12' }, out, target: 'global' },
        ...{ bound: 9.5080328, log10: 0.97809, smooth: 2.253, held: ['mask.scale'] },
        arrays: [{ name: 'x', shape: [2, 3] }],
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('writes no archive that puts files elsewhere once it is unpacked', async () => {
    for (const name of ['../up', '/root', 'a//b', 'c:d', 'e\\f', 'a/..', '']) {
      const weights = [{ ...gradient.weights[0]!, name }];
      const { code, err } = await run('export-gradient a.onnx --out /dev/null', {
        boundGradient: async () => ({ ...gradient, weights }),
      });
      expect([code, err.includes('names of arrays')], name).toEqual([1, true]);
    }
  });
});

describe('lipsoid export-gradient in a region', () => {
  it('passes the region on, and says which', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lipsoid-'));
    try {
      const out = join(folder, 'g.npz');
      const box = await run(`export-gradient a.onnx --out ${out} --domain 0,1 --json`);
      expect(box.calls.gradient).toMatchObject({ radius: Infinity, domain: { low: 0, high: 1 } });
      expect(JSON.parse(box.out)).toMatchObject({
        at: null,
        domain: [0, 1],
        kind: 'incremental',
        bound: 9.5080328,
      });
      const readPoint = async () => Float64Array.of(1, 2);
      const ball = await run(`export-gradient a.onnx --out ${out} --at x.npy --radius 2 --kind anchored`, {
        readPoint,
      });
      expect([ball.code, ball.err]).toEqual([0, '']);
      expect(ball.calls.gradient).toMatchObject({
        centre: Float64Array.of(1, 2),
        radius: 2,
        kind: 'anchored',
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.each([
    ['--at x.npy', /--at: goes with --radius/],
    ['--radius 1', /--radius: goes with --at/],
    ['--domain 0,1 --save-multipliers m.json', /--save-multipliers: multipliers in a region/],
    ['--domain 0,1 --multipliers m.json', /--multipliers: multipliers in a region/],
  ])('refuses %s', async (options, why) => {
    const { code, err } = await run(`export-gradient a.onnx --out /dev/null ${options}`);
    expect(code).toBe(1);
    expect(err).toMatch(why);
  });
});

describe('lipsoid export-sdp', () => {
  it('says what it has written, and how to read it', async () => {
    const { code, out, err, calls } = await run('export-sdp a.onnx --formulation lipsdp --out /dev/null');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('/dev/null: lipsdp, 3 variables, 2 blocks, the largest matrix 5×5.');
    expect(out).toContain('2 · √optimum');
    expect(calls.load?.[0]).toBe('a.onnx');
    const json = await run('export-sdp a.onnx --formulation lipsdp --out /dev/null --json');
    expect(JSON.parse(json.out)).toEqual({
      network: { file: 'a.onnx', sha256: 'ab12' },
      out: '/dev/null',
      formulation: 'lipsdp',
      scale: 2,
      variables: 3,
      blocks: [5, -2],
    });
  });

  it('names a file that it cannot write', async () => {
    const { code, err } = await run('export-sdp a.onnx --formulation lipsdp --out /no/such/folder/p.dat-s');
    expect(code).toBe(1);
    expect(err).toMatch(/--out: .*no such file/);
  });
});

describe('lipsoid solve-sdp', () => {
  it('prints the bound, rounded up, with the status, and that it is nominal', async () => {
    const { code, out, err, calls } = await run('solve-sdp p.dat-s --solver /opt/csdp --time-limit 5');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('lipsdp of tiny.onnx, SHA-256 ab12');
    expect(out).toContain('solved (exit code 0) after 0.250 s; relative gap 2e-9');
    expect(out).toContain('‖f(x) − f(y)‖₂ ≤ 2.36721 · ‖x − y‖₂');
    expect(out).toContain('no proof');
    expect(calls.solve).toMatchObject({ solver: '/opt/csdp', timeLimit: 5 });
  });

  it('prints the solution as it is with --json', async () => {
    const { code, out } = await run('solve-sdp p.dat-s --json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(solution);
  });

  it('is no success without an optimum', async () => {
    const none = { ...solution, bound: null, status: 'time limit', exitCode: null };
    const { code, out } = await run('solve-sdp p.dat-s', { solveSdp: async () => none });
    expect(code).toBe(2);
    expect(out).toContain('time limit after');
    expect(out).toContain('No bound');
  });
});

describe('help and version', () => {
  it.each([
    ['--version', '1.2.3\n'],
    ['--help', 'bound [options] <FILE>'],
    ['bound --help', 'Shift(1.7)'],
  ])('%s', async (line, text) => {
    const { code, out, err } = await run(line);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain(text);
  });
});

describe('help', () => {
  it('names what stands for every option that is left out', async () => {
    const { out } = await run('bound --help');
    const parts = out.split(/\n +(?=--)/).map((part) => part.replaceAll(/\s+/g, ' '));
    const [signals, images] = DEFAULTS.cellTolerance;
    const shown = {
      method: DEFAULTS.method,
      engine: `"${DEFAULTS.engine}"`,
      threads: `one per core, ${DEFAULTS.mostThreads} at most`,
      memory: `${Math.floor(DEFAULTS.memory / 1e6)} beside the weights, more on a GPU`,
      evaluations: DEFAULTS.evaluations,
      tolerance: '1e-5',
      'time-limit': DEFAULTS.timeLimit,
      'cell-tolerance': `${signals}, images ${images}`,
      'inflation-limit': 100 * DEFAULTS.inflationLimit,
      seed: DEFAULTS.seed,
    };
    expect(DEFAULTS.tolerance).toBe(1e-5);
    for (const [option, value] of Object.entries(shown)) {
      expect(parts.find((part) => part.startsWith(`--${option} `))).toContain(`default: ${value})`);
    }
  });
});

describe('command lines that make no sense end with 1 and name the choices', () => {
  it.each([
    ['', 'verify, export-gradient, export-sdp or solve-sdp'],
    ['train a.onnx', 'bound, certify, difference, sweep'],
    ['bound', 'FILE'],
    ['export-sdp a.onnx --out p.dat-s', '--formulation'],
    ['export-sdp a.onnx --formulation sdp --out p.dat-s', 'lipsdp, dissipativity'],
    ['export-sdp a.onnx --formulation lipsdp', '--out'],
    ['solve-sdp p.dat-s --threads 2', '--solver, --time-limit, --json'],
    ['bound a.onnx b.onnx', 'too many arguments'],
    ['bound a.onnx --methods all', '--method, --rule'],
    ['inspect a.onnx --threads 2', '--input-shape, --output, --units, --input, --fix, --batch, --json'],
    ['bound a.onnx --method best', 'spectral-product, closed-form, unrolled'],
    ['bound a.onnx --rule SN(2)', 'SN(1.3)'],
    ['bound a.onnx --rule', 'argument missing'],
    ['bound a.onnx --engine gpu', 'cpu-wasm'],
    ['bound a.onnx --threads 0', 'at least 1'],
    ['bound a.onnx --threads 1.5', 'at least 1'],
    ['bound a.onnx --threads two', 'at least 1'],
    ['bound a.onnx --memory 0', 'above 0'],
    ['bound a.onnx --seed -1', 'whole number'],
    ['bound a.onnx --seed 1.5', 'whole number'],
    ['bound a.onnx --memory NaN', 'above 0'],
    ['bound a.onnx --input-shape 1x0x28', 'at least 1'],
    ['bound a.onnx --input-shape 1,28,28', '1x28x28'],
    ['bound a.onnx --rule SN(1) --method spectral-product', 'closed-form or unrolled'],
    ['bound a.onnx --rule SN(1) --method all', 'closed-form or unrolled'],
    ['bound a.onnx --rule SN(1) --method refined', 'closed-form or unrolled'],
    ['bound a.onnx --method closed-form --save-multipliers m.json', '--save-multipliers: goes with a search'],
    ['bound a.onnx --rule SN(1) --save-multipliers m.json', 'got --rule SN(1)'],
    ['bound a.onnx --method spectral-product --multipliers m.json', '--multipliers: goes with a search'],
    ['bound a.onnx --method spectral-product --target margins', 'covariances'],
    ['bound a.onnx --method spectral-product --certificate c.json', '--certificate: needs multipliers'],
    ['bound a.onnx --target 0,1 --certificate c.json', 'of the whole output'],
    ['bound a.onnx --method exact --weights w.npy --certificate c.json', 'one without --weights'],
    ['bound a.onnx --resume c.json', '--resume: goes with --method exact'],
    ['bound a.onnx --method exact --weights w.npy --resume c.json', 'got --weights'],
    ['bound a.onnx --domain 0,1 --resume c.json', '--resume: does not go with --domain'],
    ['bound a.onnx --norm 3', 'Allowed choices are 2, inf, 1'],
    ['bound a.onnx --output-norm max', 'Allowed choices are 2, inf, 1'],
    ['bound a.onnx --norm inf --length any', 'in the norm 2 of inputs and outputs'],
    ['bound a.onnx --norm 1 --target margins', 'one pair at a time'],
    ['bound a.onnx --output-norm inf --target 0,1', 'which have no other norm'],
    ['bound a.onnx --method moduli-product', 'goes with norm inf or 1'],
    ['bound a.onnx --sensitivities --norm inf', 'is the bound in norm 1'],
    ['bound a.onnx --norm inf --method moduli-product --target margins', 'covariances'],
    ['bound a.onnx --at x.npy --radius 1 --weights w.npy', '--weights: does not go with --at'],
    ['bound a.onnx --smallest-length 4', 'goes with length any'],
    ['bound a.onnx --cell-tolerance 0.1', 'goes with length any'],
    ['bound a.onnx --length any --method unrolled', 'all, closed-form and refined'],
    ['bound a.onnx --certificate /no/such/folder/c.json', '--certificate: /no/such/folder/c.json'],
    ['bound a.onnx --save-multipliers /', '--save-multipliers: /: must be a file'],
    ['bound a.onnx --certificate c.json --save-multipliers ./c.json', 'got that of --certificate'],
    ['bound a.onnx --multipliers /dev/zero', 'must be a regular file, got a device'],
    ['bound a.onnx --multipliers /', 'must be a regular file, got a folder'],
    ['verify /dev/zero a.onnx', 'must be a regular file, got a device'],
  ])('lipsoid %s', async (line, text) => {
    const plain = await run(line);
    expect([plain.code, plain.out]).toEqual([1, '']);
    expect(plain.err).toContain(text);
    const json = await run(`${line} --json`);
    expect([json.code, json.err]).toEqual([1, '']);
    expect(JSON.parse(json.out).error.kind).toBe('input');
    expect(json.calls.load).toBeUndefined();
  });
});

describe('failures', () => {
  const items = [
    { node: 'norm_1', found: 'LayerNormalization', reason: 'no global bound exists' },
    { node: 'div_2', found: 'Div by data', reason: 'division by a computed tensor' },
  ];
  it.each([
    ['input', 1, new InputError('a.onnx: not an ONNX file, got 3 bytes')],
    ['unsupported', 2, new UnsupportedError(items)],
    ['system', 1, new RangeError('Array buffer allocation failed')],
    ['system', 1, Object.assign(new Error('no thread'), { code: 'ERR_WORKER_OUT_OF_MEMORY' })],
    ['internal', 3, new RangeError('Maximum call stack size exceeded')],
    ['internal', 3, new TypeError('x is undefined')],
  ])('%s: exit code %d', async (kind, code, error) => {
    const fail = async () => {
      throw error;
    };
    const text = await run('bound a.onnx', { loadNetwork: fail });
    expect([text.code, text.out]).toEqual([code, '']);
    expect(text.err).toContain(kind === 'unsupported' ? '2 unsupported nodes' : error.message);
    // In the middle of the work the engine is closed all the same.
    const json = await run('bound a.onnx --json', { bound: fail });
    expect([json.code, json.err, json.calls.closed]).toEqual([code, '', 1]);
    expect(JSON.parse(json.out).error.kind).toBe(kind);
  });

  it('lists every unsupported node with what was found and why', async () => {
    const fail = async () => {
      throw new UnsupportedError(items);
    };
    const text = await run('bound a.onnx', { loadNetwork: fail });
    const json = await run('bound a.onnx --json', { loadNetwork: fail });
    for (const { node, found, reason } of items)
      expect(text.err).toContain(`${node}: ${found}\n    ${reason}\n`);
    expect(JSON.parse(json.out).error.items).toEqual(items);
  });

  it('Ctrl-C before anything is found closes the engine and prints no bound', async () => {
    const controller = new AbortController();
    const abort = async () => {
      controller.abort();
      throw controller.signal.reason;
    };
    const { code, out, err, calls } = await run('bound a.onnx', { bound: abort }, controller.signal);
    expect([code, out, err, calls.closed]).toEqual([130, '', 'cancelled\n', 1]);
  });

  it('counts the time limit from when the process says that it began', async () => {
    const options = async (since?: number) => {
      let given: BoundOptions | undefined;
      const keep: Library['bound'] = async (_, own) => {
        given = own;
        return result;
      };
      await run('bound a.onnx --time-limit 7', { bound: keep }, undefined, since);
      return given!;
    };
    expect(await options(-123)).toMatchObject({ since: -123, timeLimit: 7 });
    const before = performance.now();
    const { since } = await options();
    expect(since).toBeGreaterThanOrEqual(before);
    expect(since).toBeLessThanOrEqual(performance.now());
  });

  it('Ctrl-C later prints what has been found', async () => {
    const controller = new AbortController();
    const abort = async () => {
      controller.abort();
      return result;
    };
    const { code, out, calls } = await run('bound a.onnx', { bound: abort }, controller.signal);
    expect([code, calls.closed]).toEqual([0, 1]);
    expect(out).toContain('‖f(x) − f(y)‖₂ ≤');
  });
});
