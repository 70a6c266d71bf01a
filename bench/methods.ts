/**
 * The table of docs/methods.md: bounds and times of all methods, those of Lipsoid and the two semidefinite programs that it can write down, solved by
 * CSDP: `npx tsx bench/methods.ts`, with a part of a network's name for those rows alone. One run each; minutes.
 * Needs csdp.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bound } from '../src/bounds/bound.ts';
import type { MethodResult } from '../src/bounds/result.ts';
import { createEngine } from '../src/engine/create.ts';
import { UnsupportedError } from '../src/errors.ts';
import { loadNetwork } from '../src/formats/load.node.ts';
import type { Network } from '../src/network/network.ts';
import { exportSdp, type Formulation } from '../src/sdp/export.ts';
import { solveSdp } from '../src/sdp/solve.node.ts';
import { ChainBuilder } from '../test/sdp/networks.ts';
import { sampledLowerBound } from '../test/support/forward.ts';

/** Seconds for one program. */
const TIME_LIMIT = 300;

const trained = (name: string) => () =>
  loadNetwork(fileURLToPath(new URL(`../examples/${name}.onnx`, import.meta.url)));

/** Convolutions of equal width with an activation after each but the last. */
function convolutions(layers: number, channels: number, kernel: number, length: number): Network {
  const chain = new ChainBuilder('cnn', layers * 100 + channels, [2, length]);
  for (let k = 1; k < layers; k++) chain.convolution(channels, kernel).activation();
  return chain.convolution(4, kernel).build();
}

/**
 * Width 6, and only the outer kernels are longer than one sample: supply rates lose little there, and slopes that exclude zero are what the torus is
 * bad at. Of the seeds 1 to 24 the one where that shows most.
 */
function pointwise(slope: number): Network {
  const leaky = { name: 'leaky-relu', slope } as const;
  const chain = new ChainBuilder('pointwise', 15, [2, 256]).convolution(6, 3).activation(leaky);
  for (let k = 0; k < 2; k++) chain.convolution(6, 1).activation(leaky);
  return chain.convolution(4, 3).build();
}

function perceptron(...widths: readonly number[]): Network {
  const chain = new ChainBuilder('mlp', 7, [widths[0]!]);
  for (const width of widths.slice(1, -1)) chain.dense(width).activation();
  return chain.dense(widths.at(-1)!).build();
}

const tasks: readonly { readonly name: string; readonly network: () => Network | Promise<Network> }[] = [
  { name: 'examples/mlp.onnx, 196-64-64-10', network: trained('mlp') },
  { name: 'random MLP 10-32-32-32-5', network: () => perceptron(10, 32, 32, 32, 5) },
  { name: 'random MLP, 8 hidden layers of 32', network: () => perceptron(8, ...new Array(8).fill(32), 4) },
  {
    name: 'random residual MLP, 3 blocks 16-32-16',
    network: () =>
      new ChainBuilder('residual', 8, [8]).dense(16).residual(32).residual(32).residual(32).dense(4).build(),
  },
  { name: 'examples/beats.onnx', network: trained('beats') },
  {
    name: 'random 1-D CNN, 3 layers, 4 channels, kernel 5, length 64',
    network: () => convolutions(3, 4, 5, 64),
  },
  {
    name: 'random 1-D CNN, 4 layers, 8 channels, kernel 7, length 256',
    network: () => convolutions(4, 8, 7, 256),
  },
  {
    name: 'random 1-D CNN, 8 layers, 16 channels, kernel 9, length 256',
    network: () => convolutions(8, 16, 9, 256),
  },
  {
    name: 'random 1-D CNN with pointwise layers, slopes in [0.95, 1], length 256',
    network: () => pointwise(0.95),
  },
];

const engine = await createEngine({ engine: 'cpu' });
const folder = mkdtempSync(join(tmpdir(), 'lipsoid-methods-'));
try {
  const csdp = execFileSync('dpkg-query', ['--show', 'coinor-csdp'], { encoding: 'utf8' }).trim();
  console.log(
    `${cpus()[0]?.model}, ${cpus().length} cores; Node.js ${process.version}; ${engine.information.description}; ${csdp.replace('\t', ' ')}\n`,
  );
  const columns = [
    'network',
    'sampled, from below',
    'spectral product',
    'best closed form',
    'refined',
    'refined, unrolled',
    'dissipativity, CSDP',
    'LipSDP, CSDP',
  ];
  console.log(`| ${columns.join(' | ')} |`);
  console.log(`| --- |${' ---: |'.repeat(columns.length - 1)}`);
  const wanted = process.argv[2] ?? '';
  for (const { name, network: make } of tasks.filter((task) => task.name.includes(wanted))) {
    const network = await make();
    const { methods } = await bound(network, { engine, timeLimit: 120 });
    const cells = [
      name,
      sampledLowerBound(network, 40, 1).toPrecision(4),
      cell(methods, (row) => row.method === 'spectral-product'),
      cell(methods, (row) => row.method === 'closed-form'),
      cell(methods, (row) => row.method === 'refined'),
      cell(methods, (row) => row.method === 'unrolled' && row.rule === 'refined'),
      await referee(network, 'dissipativity'),
      await referee(network, 'lipsdp'),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
  await engine.close();
}

/** The least of the rows, with its seconds. */
function cell(rows: readonly MethodResult[], wanted: (row: MethodResult) => boolean): string {
  const found = rows
    .filter((row) => wanted(row) && row.bound !== null)
    .sort((a, b) => a.bound! - b.bound!)[0];
  return found ? figure(found.bound!, found.seconds) : '–';
}

async function referee(network: Network, formulation: Formulation): Promise<string> {
  const path = join(folder, 'problem.dat-s');
  try {
    const { text, variables } = exportSdp(network, formulation);
    writeFileSync(path, text);
    const { bound: value, status, seconds } = await solveSdp(path, { timeLimit: TIME_LIMIT });
    return value === null
      ? `${status} (${variables} variables, ${seconds.toFixed(0)} s)`
      : figure(value, seconds);
  } catch (error) {
    if (error instanceof UnsupportedError) return `refused: ${error.items[0]!.found}`;
    throw error;
  }
}

function figure(value: number, seconds: number): string {
  return `${value.toPrecision(5)} (${seconds < 10 ? seconds.toPrecision(2) : seconds.toFixed(0)} s)`;
}
