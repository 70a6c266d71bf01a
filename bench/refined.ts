/**
 * Speed of the search for multipliers: `npx tsx bench/refined.ts`. Per network: seconds of one closed-form pass (GC(1.5)) and of one gradient
 * in the same run, their ratio, and how long the whole method took to come within 2 % of where it ended. Networks that others
 * trained are taken from ../shared/models where that folder is there.
 */
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { bound } from '../src/bounds/bound.ts';
import { createEngine } from '../src/engine/create.ts';
import { loadNetwork } from '../src/formats/load.node.ts';
import type { Network } from '../src/network/network.ts';
import { eclipse, glipsdpCnn } from './networks.ts';

const models = new URL('../../shared/models/', import.meta.url);
const trained = (file: string, otherwise: () => Network) => async () =>
  existsSync(new URL(file, models)) ? loadNetwork(new URL(file, models).pathname) : otherwise();

const tasks = [
  { name: 'cnn_C9_CH32', network: trained('cnn_C9_CH32.onnx', () => glipsdpCnn(9, 32)) },
  { name: 'cnn_C17_CH8', network: trained('cnn_C17_CH8.onnx', () => glipsdpCnn(17, 8)) },
  { name: 'chain_L17_W64', network: trained('chain_L17_W64.onnx', () => eclipse(16, 64)) },
  { name: '64 layers of width 64', network: async () => eclipse(65, 64) },
];

const engine = await createEngine({ engine: 'cpu' });
console.log(`${cpus()[0]?.model}, ${cpus().length} cores, ${engine.information.description}\n`);
console.log(
  '| network | closed form, s | gradient, s | ratio | within 2 %, s | all, s | evaluations | bound |',
);
console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
for (const { name, network } of tasks) {
  const own = await network();
  await bound(own, { engine, rule: 'GC(1.5)' });
  const passes: number[] = [];
  for (let k = 0; k < 5; k++) passes.push((await bound(own, { engine, rule: 'GC(1.5)' })).seconds);
  const closed = median(passes);
  const result = await bound(own, { engine, method: 'refined', timeLimit: 300 });
  const trace = result.trace!;
  const steps = trace.slice(1).map((point, k) => point.seconds - trace[k]!.seconds);
  const near = trace.find((point) => point.log10 <= result.log10! + Math.log10(1.02))!;
  const gradient = median(steps);
  console.log(
    `| ${name} | ${closed.toFixed(3)} | ${gradient.toFixed(3)} (${Math.min(...steps).toFixed(3)} to ${Math.max(...steps).toFixed(3)}) ` +
      `| ${(gradient / closed).toFixed(1)} | ${near.seconds.toFixed(1)} | ${result.seconds.toFixed(1)} | ${trace.length} | ${result.bound?.toPrecision(6)} |`,
  );
}
await engine.close();

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
