/**
 * Speed and memory of whole bounds: `npx tsx bench/bounds.ts [name …]`.
 * Prints a Markdown table and writes bench/results/bounds.json. Seconds are median (smallest to largest) after a warm-up run,
 * CPU seconds (of the median run, all threads) tell work apart from waiting for a busy machine, and GFLOP/s divide the estimated operations of the method (products counted in full) by the median.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { bound } from '../src/bounds/bound.ts';
import { runsOf } from '../src/bounds/closedForm.ts';
import { compile } from '../src/ellipsoid/compile.ts';
import { programCost } from '../src/ellipsoid/cost.ts';
import { RULE_NAMES, type RuleName } from '../src/ellipsoid/multipliers.ts';
import { createEngine } from '../src/engine/create.ts';
import type { Network } from '../src/network/network.ts';
import { simplify } from '../src/network/simplify.ts';
import { eclipse, glipsdpCnn, vgg16Convolutions } from './networks.ts';

interface Task {
  readonly name: string;
  readonly network: () => Network;
  readonly rule?: RuleName;
  readonly engines: readonly ('cpu-blas' | 'cpu-wasm')[];
  readonly repeats: number;
  /** Bytes. */
  readonly memory?: number;
}

const tasks: readonly Task[] = [
  {
    name: 'ECLipsE, 50 matrices of width 1000, ECLipsE-Fast',
    network: () => eclipse(50, 1000),
    rule: 'SN(1)',
    engines: ['cpu-blas'],
    repeats: 3,
  },
  {
    name: 'ECLipsE, 50 matrices of width 200, ECLipsE-Fast',
    network: () => eclipse(50, 200),
    rule: 'SN(1)',
    engines: ['cpu-blas', 'cpu-wasm'],
    repeats: 5,
  },
  {
    name: 'cnn_C17_CH8, all rules',
    network: () => glipsdpCnn(17, 8),
    engines: ['cpu-blas', 'cpu-wasm'],
    repeats: 5,
  },
  {
    name: 'cnn_C9_CH32, all rules',
    network: () => glipsdpCnn(9, 32),
    engines: ['cpu-blas'],
    repeats: 1,
  },
  {
    name: 'VGG-16 convolutions and pooling on 32×32, SN(1)',
    network: () => vgg16Convolutions(32, true),
    rule: 'SN(1)',
    engines: ['cpu-blas'],
    repeats: 1,
    memory: 2e9,
  },
];

const wanted = process.argv.slice(2);
const chosen = tasks.filter((t) => wanted.length === 0 || wanted.some((w) => t.name.includes(w)));
const machine = `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}`;
console.log(
  `${machine}\n\n| network | engine | seconds | CPU seconds | GFLOP/s | matrices, MB | process, MB |`,
);
console.log('| --- | --- | ---: | ---: | ---: | ---: | ---: |');
const results: object[] = [];
for (const task of chosen) {
  const network = task.network();
  const rules = task.rule ? [task.rule] : RULE_NAMES;
  const flops = runsOf(rules) * programCost(compile(simplify(network)));
  for (const name of task.engines) {
    const runs: { seconds: number; cpuSeconds: number }[] = [];
    let peak = 0;
    let description = '';
    for (let k = task.repeats > 1 ? -1 : 0; k < task.repeats; k++) {
      const engine = await createEngine({ engine: name });
      const start = performance.now();
      const cpuBefore = process.cpuUsage();
      await bound(network, {
        engine,
        method: 'closed-form',
        ...(task.rule && { rule: task.rule }),
        ...(task.memory && { memory: task.memory }),
      });
      const seconds = (performance.now() - start) / 1000;
      const { user, system } = process.cpuUsage(cpuBefore);
      if (k >= 0) runs.push({ seconds, cpuSeconds: (user + system) / 1e6 });
      peak = engine.peakBytes;
      description = engine.information.description;
      await engine.close();
    }
    runs.sort((a, b) => a.seconds - b.seconds);
    const times = runs.map((run) => run.seconds);
    const { seconds: median, cpuSeconds } = runs[runs.length >> 1]!;
    const resident = process.memoryUsage().rss;
    results.push({
      task: task.name,
      engine: name,
      description,
      times,
      cpuSeconds,
      flops,
      peakBytes: peak,
      residentBytes: resident,
    });
    console.log(
      `| ${task.name} | ${name} | ${median.toFixed(2)} (${times[0]!.toFixed(2)} to ${times.at(-1)!.toFixed(2)}) ` +
        `| ${cpuSeconds.toFixed(2)} | ${(flops / median / 1e9).toFixed(1)} | ${(peak / 1e6).toFixed(0)} | ${(resident / 1e6).toFixed(0)} |`,
    );
  }
}
const folder = new URL('results/', import.meta.url);
await mkdir(folder, { recursive: true });
await writeFile(
  new URL('bounds.json', folder),
  `${JSON.stringify({ date: new Date().toISOString(), machine, results }, undefined, 2)}\n`,
);
