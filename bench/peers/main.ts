/**
 * What Python's libraries say of the same networks, and how long they take: `npx tsx bench/peers/main.ts [FILE …]`, files of dense chains
 * in any format; without one the example and ECLipsE's random networks. `python3`, or what PYTHON names, has the libraries:
 * those that are missing are named with the reason. Ratios are to Lipsoid's refined bound and its seconds in the same run.
 */
import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bound } from '../../src/bounds/bound.ts';
import { createEngine } from '../../src/engine/create.ts';
import { InputError } from '../../src/errors.ts';
import { loadNetwork } from '../../src/formats/load.node.ts';
import { slopeInterval } from '../../src/network/elementwise/elementwise.ts';
import type { Network } from '../../src/network/network.ts';
import { simplify } from '../../src/network/simplify/simplify.ts';
import { eclipse } from '../networks.ts';
import { row, short } from '../tables.ts';

/** Neurons beyond which a semidefinite program over all of them is not begun. */
const MOST_NEURONS = 200;
const SEMIDEFINITE = ['CVXPY, LipSDP'];

/** A network as the estimators take it. */
interface Task {
  readonly layers: readonly { readonly rows: number; readonly columns: number; readonly weight: string }[];
  readonly slopes: readonly (readonly [number, number])[];
  readonly skip: readonly string[];
}

interface Answer {
  readonly name: string;
  readonly bound?: number;
  readonly seconds?: number;
  readonly error?: string;
}

/** @throws InputError for what is no chain of linear maps with one function behind each but the last */
function taskOf(network: Network): Task {
  const layers: Task['layers'][number][] = [];
  const slopes: [number, number][] = [];
  for (const { name, operator } of simplify(network).nodes) {
    if (operator.kind === 'affine' && layers.length === slopes.length) {
      const weight = Buffer.from(Float64Array.from(operator.weight).buffer).toString('base64');
      layers.push({ rows: operator.outputs, columns: operator.inputs, weight });
    } else if (operator.kind === 'nonlinearity' && layers.length === slopes.length + 1) {
      const { lower, upper } = slopeInterval(operator.function);
      slopes.push([Math.min(...lower), Math.max(...upper)]);
    } else {
      throw new InputError(`${network.name}, ${name}: a dense chain is wanted here, got ${operator.kind}`);
    }
  }
  if (layers.length !== slopes.length + 1)
    throw new InputError(`${network.name}: the last layer must be a linear map`);
  const neurons = layers.reduce((sum, { columns }) => sum + columns, 0);
  return { layers, slopes, skip: neurons > MOST_NEURONS ? SEMIDEFINITE : [] };
}

/** Starts the estimators once for all networks. @throws InputError where Python does not run */
function askPython(tasks: readonly Task[]) {
  const script = fileURLToPath(new URL('estimators.py', import.meta.url));
  const python = process.env.PYTHON ?? 'python3';
  const input = tasks.map((task) => `${JSON.stringify(task)}\n`).join('');
  const { status, stdout, stderr, error } = spawnSync(python, [script], {
    ...{ input, encoding: 'utf8', maxBuffer: Number.POSITIVE_INFINITY },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  if (error !== undefined || status !== 0)
    throw new InputError(`${python}: must run ${script}, got ${error?.message ?? stderr.trim()}`);
  const [first, ...rest] = stdout.split('\n');
  const { present, absent } = JSON.parse(first!) as Record<'present' | 'absent', Record<string, string>>;
  // An empty line ends the answers of a network.
  const groups = rest.join('\n').split('\n\n');
  const answers = tasks.map((_, k) =>
    groups[k]!.split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Answer),
  );
  return { present, absent, answers };
}

const files = process.argv.slice(2);
const example = fileURLToPath(new URL('../../examples/mlp.onnx', import.meta.url));
const networks =
  files.length > 0
    ? await Promise.all(files.map(async (file) => [basename(file), await loadNetwork(file)] as const))
    : [
        ['examples/mlp.onnx', await loadNetwork(example)] as const,
        ...[eclipse(5, 40), eclipse(20, 60), eclipse(50, 100)].map(
          (network) => [network.name, network] as const,
        ),
      ];

const { present, absent, answers } = askPython(networks.map(([, network]) => taskOf(network)));
for (const [name, version] of Object.entries(present)) console.log(`- ${name} ${version}`);
for (const [name, reason] of Object.entries(absent)) console.log(`- ${name}: left out: ${reason}`);

const engine = await createEngine({ engine: 'cpu' });
console.log(`- lipsoid: ${engine.information.description}`);
for (const [k, [name, network]] of networks.entries()) {
  const own: Answer[] = [];
  // Kernels are compiled by the first.
  await bound(network, { engine, rule: 'SN(1)', lower: false });
  for (const [title, options] of [
    ['Lipsoid, SN(1) (ECLipsE-Fast)', { rule: 'SN(1)' }],
    ['Lipsoid, refined', { method: 'refined' }],
  ] as const) {
    const result = await bound(network, { engine, lower: false, ...options });
    own.push({ name: title, bound: result.bound ?? Number.POSITIVE_INFINITY, seconds: result.seconds });
  }
  const reference = own.at(-1)!;
  console.log(`\n${name}\n`);
  console.log(row('estimator', 'bound', 'seconds', 'bound / refined', 'seconds / refined'));
  console.log(row('---', '---:', '---:', '---:', '---:'));
  for (const { name: estimator, bound: value, seconds, error } of [...own, ...answers[k]!]) {
    if (value === undefined || seconds === undefined) console.log(row(estimator, error ?? '', '', '', ''));
    else
      console.log(
        row(
          ...[estimator, value.toPrecision(6), short(seconds)],
          ...[(value / reference.bound!).toPrecision(5), short(seconds / reference.seconds!)],
        ),
      );
  }
}
await engine.close();
