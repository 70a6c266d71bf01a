/**
 * What a GPU is told to do, counted exactly on a device that does nothing: `npx tsx bench/counts/main.ts [--memory GB] [--binding MiB]
 * [--kernels] [name …]`. Per network and phase: dispatches, and how many they are where long ones are cut into portions; operations (a complex
 * multiply-add is 8); bytes that kernels read and write. Networks have random weights, on which the counts do not depend. `--kernels` adds what each kernel takes of them.
 */
import { parseArgs } from 'node:util';
import { Ledger } from '../../src/bounds/ledger.ts';
import { closedForms } from '../../src/bounds/runs/closedForm.ts';
import { spectralProduct } from '../../src/bounds/runs/spectralProduct.ts';
import { RULE_NAMES, type RuleName } from '../../src/ellipsoid/multipliers/closedForms.ts';
import { nonlinearSteps, parametersOf } from '../../src/ellipsoid/multipliers/relative.ts';
import { hasSkips } from '../../src/ellipsoid/multipliers/skips.ts';
import { Rounding } from '../../src/ellipsoid/rounding/rounding.ts';
import { allFrequencies } from '../../src/ellipsoid/search/frequencies.ts';
import { DifferentiablePass } from '../../src/ellipsoid/search/gradient/differentiablePass.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { InputError } from '../../src/errors.ts';
import type { Network } from '../../src/network/network.ts';
import { foldingsOf } from '../../src/network/simplify/roundings.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import { compile } from '../../src/program/compile.ts';
import type { Program } from '../../src/program/program.ts';
import { alexNet, glipsdpCnn, resNet18, resNet50, vgg16 } from '../networks.ts';
import { type Dispatch, idleGpu } from './idleGpu.ts';
import { type Work, workOf } from './work.ts';

const networks: Readonly<Record<string, () => Network>> = {
  cnn_C9_CH32: () => glipsdpCnn(9, 32),
  'ResNet-18': () => resNet18(),
  'ResNet-50': () => resNet50(),
  AlexNet: () => alexNet(),
  'VGG-16': () => vgg16(),
};

interface Setting {
  readonly program: Program;
  readonly rounding: Rounding;
  readonly memory: number;
}

interface Counted extends Work {
  readonly dispatches: number;
  readonly portions: number;
}

type Phase = (engine: Engine, setting: Setting) => Promise<unknown>;

const product: Phase = (engine, { program, rounding, memory }) =>
  spectralProduct(engine, program, { memory, rounding, ledger: new Ledger(undefined) });

const rules =
  (names: readonly RuleName[]): Phase =>
  async (engine, { program, rounding, memory }) => {
    const ledger = new Ledger(undefined);
    const norms = hasSkips(program)
      ? (await spectralProduct(engine, program, { memory, about: true, ledger })).norms
      : undefined;
    await closedForms(engine, program, norms, names, { method: 'closed-form', memory, rounding, ledger });
  };

/** At all frequencies, whatever that takes. */
const gradient: Phase = async (engine, { program }) => {
  const pass = new DifferentiablePass(engine, program, program.segments.map(allFrequencies));
  const theta = nonlinearSteps(program).map((step) => new Float64Array(parametersOf(step)));
  await pass.evaluate(theta, { doublings: 5, barrier: 1e-4 }, { kind: 'radius' });
  pass.close();
};

const phases: Readonly<Record<string, Phase>> = {
  'spectral product': product,
  'GC(1.5), norms included': rules(['GC(1.5)']),
  'all rules, norms included': rules(RULE_NAMES),
  'one gradient': gradient,
};

const { values, positionals } = parseArgs({
  options: {
    memory: { type: 'string', default: '32' },
    binding: { type: 'string', default: '2047' },
    phase: { type: 'string', multiple: true, default: [] },
    kernels: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const wanted = (words: readonly string[], name: string) =>
  words.length === 0 || words.some((word) => name.includes(word));

console.log(`Memory budget ${values.memory} GB, bindings of at most ${values.binding} MiB\n`);
console.log('| network, phase | dispatches | portions | TFLOP | GB | largest, GB |');
console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
for (const [name, make] of Object.entries(networks)) {
  if (!wanted(positionals, name)) continue;
  const network = make();
  const program = compile(simplify(network));
  for (const [label, phase] of Object.entries(phases)) {
    if (!wanted(values.phase, label)) continue;
    const byKernel = new Map<string, Counted>();
    const { engine } = await idleGpu(Number(values.binding) * 2 ** 20, (dispatch) =>
      note(byKernel, dispatch),
    );
    const rounding = new Rounding(engine.information, foldingsOf(network));
    try {
      await phase(engine, { program, rounding, memory: Number(values.memory) * 1e9 });
      await engine.settle();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      console.log(`| ${name}, ${label} | refused: ${error.message} | | | | |`);
      continue;
    }
    const kernels = [...byKernel].sort(([, a], [, b]) => b.dispatches - a.dispatches);
    console.log(row(`${name}, ${label}`, sum(kernels.map(([, work]) => work)), engine.peakBytes));
    if (values.kernels) for (const [kernel, work] of kernels) console.log(row(`· ${kernel}`, work));
    await engine.close();
  }
}

function note(byKernel: Map<string, Counted>, dispatch: Dispatch): void {
  // Generated kernels are called after what they compute.
  const kernel = dispatch.kernel.split(' ', 1)[0]!;
  const before = byKernel.get(kernel);
  const own = { ...workOf(dispatch), dispatches: Number(dispatch.sizes.firstGroup === 0), portions: 1 };
  byKernel.set(kernel, before ? sum([before, own]) : own);
}

function sum(works: readonly Counted[]) {
  return works.reduce(
    (total, one) => ({
      dispatches: total.dispatches + one.dispatches,
      portions: total.portions + one.portions,
      operations: total.operations + one.operations,
      bytes: total.bytes + one.bytes,
    }),
    { dispatches: 0, portions: 0, operations: 0, bytes: 0 },
  );
}

function row(name: string, work: Counted, largest?: number): string {
  const billions = (x: number) => (x / 1e9).toPrecision(3);
  const teraflop = (work.operations / 1e12).toPrecision(3);
  return `| ${name} | ${work.dispatches} | ${work.portions} | ${teraflop} | ${billions(work.bytes)} | ${largest === undefined ? '' : billions(largest)} |`;
}
