/** Every hunt finds the fault that was planted for it, in few trials, and nothing in the same trials without it. */
import { afterEach, describe, expect, it } from 'vitest';
import { CertificatesHunt } from '../../attack/certificates/hunt.ts';
import type { Command } from '../../attack/commands/generate.ts';
import { type Document, documentFaults, processFaults, textFaults } from '../../attack/commands/judge.ts';
import { FilesHunt, squaresOverflow } from '../../attack/files/hunt.ts';
import { FormatsHunt } from '../../attack/formats/hunt.ts';
import { GROWTH } from '../../attack/growth/families.ts';
import { GrowthHunt } from '../../attack/growth/hunt.ts';
import type { Finding, Hunt } from '../../attack/hunt.ts';
import { encode } from '../../attack/model/encode.ts';

const child = new URL('faulty.ts', import.meta.url);
const limits = { seconds: 2, bytes: 8e8 };

let hunt: Hunt | undefined;
afterEach(() => hunt?.close?.());

/** @param fault of faulty.ts */
function plant(folder: string, fault: string): void {
  process.env.LIPSOID_CHILD = folder;
  process.env.LIPSOID_PLANTED = fault;
}

async function firstOf(own: Hunt, trials: number, first = 0): Promise<Finding | undefined> {
  hunt = own;
  for (let seed = first; seed < first + trials; seed++) {
    const finding = await own.trial(seed);
    if (finding) return finding;
  }
  return undefined;
}

describe('mutated files', () => {
  it.each([
    ['bound too small', /is below the slope .* that ONNX Runtime has/],
    ['endless loop', /takes more than 2 s/],
    ['much memory', /takes more than 0.8 GB/],
    ['internal error', /exit code 3/],
    ['file outside', /reads \/etc\/hostname/],
    ['changed prototype', /a prototype of the language was changed/],
  ])('show the planted fault: %s', async (fault, pattern) => {
    plant('files', fault);
    // Memory that has never been touched can take its time.
    const own = fault === 'much memory' ? { ...limits, seconds: 20 } : limits;
    const finding = await firstOf(new FilesHunt({ child, limits: own }), 25);
    expect(finding?.fault).toMatch(pattern);
    expect(finding!.files.get('model.onnx')!.length).toBeGreaterThan(0);
  });
});

it('roots of squares beyond float32 are not compared', () => {
  const model = (op: string, largest: number): Uint8Array =>
    encode({
      opset: 13,
      input: { name: 'x', type: 'float', dims: [1, 2] },
      output: 'y',
      initializers: { v: { type: 'float', dims: [2], values: [1, largest] } },
      nodes: [
        { op, inputs: ['v'], outputs: ['n'], attributes: {} },
        { op: 'Mul', inputs: ['x', 'n'], outputs: ['y'], attributes: {} },
      ],
      functions: [],
    });
  expect(squaresOverflow(model('ReduceL2', 1e20))).toBe(true);
  expect(squaresOverflow(model('ReduceL2', 1e18))).toBe(false);
  expect(squaresOverflow(model('ReduceMax', 1e20))).toBe(false);
});

describe('mutated files of other formats', () => {
  it.each([
    ['bound too small', /is below the slope .* that the network that was read has/],
    ['file outside', /reads \/etc\/hostname/],
  ])('show the planted fault: %s', async (fault, pattern) => {
    plant('files', fault);
    expect((await firstOf(new FormatsHunt({ child, limits }), 25))?.fault).toMatch(pattern);
  });
});

describe('mutated certificates', () => {
  it.each([
    ['certificates unread', /accepts /],
    ['constants unread', /certificate of constant.*accepts /],
    ['margins unread', /accepts .* for outputs/],
    ['constant hash', /the certificate of one is accepted for the other/],
  ])('show the planted fault: %s', async (fault, pattern) => {
    plant('certificates', fault);
    // Margins are seldom what is changed: not before trial 281.
    const first = fault === 'margins unread' ? 278 : 0;
    expect((await firstOf(new CertificatesHunt({ child, limits }), 60, first))?.fault).toMatch(pattern);
  });
});

describe('growing graphs', () => {
  it('show an exponential walk', async () => {
    plant('growth', 'exponential walk');
    const own = new GrowthHunt({ child, limits: { seconds: 20, bytes: 1e9 } });
    hunt = own;
    const family = GROWTH.find(({ name }) => name === 'dense layers')!;
    // On a busy machine the first of the long ones may not stand out.
    const finding = await own.grow({ ...family, sizes: [3, 5, 6, 7] }, 'inspect', 0);
    expect(finding?.fault).toMatch(/inspect of [67] blocks of dense layers: .*grows with the power/);
    plant('growth', '');
    await own.close();
    const sound = new GrowthHunt({ child });
    hunt = sound;
    expect(await sound.grow({ ...family, sizes: [3, 6, 12] }, 'inspect', 0)).toBeUndefined();
  });
});

describe('commands', () => {
  const command: Command = { argv: ['inspect', 'F'], around: { seconds: 1 }, outputs: [], heard: true };
  const ended = { code: 0, signal: null, stdout: 'fine\n', stderr: '', late: false, seconds: 0 };
  const row = { method: 'refined', bound: 2, log10: Math.log10(2), seconds: 0 };
  const document: Document = {
    ...row,
    methods: [row, { ...row, method: 'spectral-product', bound: 3, log10: Math.log10(3) }],
  };

  it('that end well have no fault', () => {
    expect(processFaults(command, ended)).toEqual([]);
    expect(documentFaults(document, [])).toEqual([]);
    expect(textFaults('‖f(x) − f(y)‖₂ ≤ 2 · ‖x − y‖₂\n', document, [])).toEqual([]);
  });

  it.each([
    ['an internal error', { code: 3 }, /exit code 3/],
    ['an exit code that nobody documents', { code: 7 }, /exit code 7/],
    ['an escape sequence', { stdout: '\u001b[2J' }, /prints U\+001b/],
    ['text turned round', { stderr: 'a\u202eb' }, /prints U\+202e/],
    ['a stack trace', { code: 1, stderr: 'Error\n    at f (file:1:2)\n' }, /a stack trace/],
    ['no end', { late: true }, /does not end within 1 s/],
  ])('%s', (_, own, pattern) => {
    expect(processFaults(command, { ...ended, ...own }).join()).toMatch(pattern);
  });

  it('do not contradict themselves', () => {
    const of = (own: Partial<Document>) =>
      documentFaults({ ...document, ...own }, ['--evaluations', '5']).join();
    expect(of({ lower: { value: 2.1, log10: Math.log10(2.1) } })).toMatch(/lower bound .* is above/);
    expect(of({ bound: 3, log10: Math.log10(3) })).toMatch(/the best row/);
    expect(
      of({
        margins: [
          [0, 3],
          [3, 0],
        ],
      }),
    ).toMatch(/margin 0,1 is 3/);
    const search = { status: 'converged', evaluations: 5, gap: 0.1 };
    expect(of({ methods: [{ ...row, search }] })).toMatch(/converged, but the last ten/);
    expect(of({ methods: [{ ...row, search: { ...search, evaluations: 6, gap: 0 } }] })).toMatch(
      /6 evaluations, 5 asked/,
    );
    expect(textFaults('‖f(x) − f(y)‖₂ ≤ 1.9 · ‖x − y‖₂', document, []).join()).toMatch(
      /prints the bound 1.9/,
    );
    expect(textFaults('Tighter: --method all', document, ['--method', 'all']).join()).toMatch(
      /which was given/,
    );
  });
});
