/**
 * Where the time goes from a file to its bound, on the way that the command line goes:
 *
 *     npx tsx bench/phases.ts [--engine NAME] [--method NAME] [--rule NAME] [--time-limit SECONDS] [--memory GB] [--kernels] FILE …
 *
 * `bench/export_torchvision.py` writes files of networks that people use, where PyTorch is; `bench/files.ts` such of the same sizes without
 * it. In seconds: load, program and device are what they take; first (when there was a bound), closed forms, refined and end count from when
 * bounding began; the lower bound is its share of the end.
 */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { bound } from '../src/bounds/bound.ts';
import type { BoundOptions, Progress } from '../src/bounds/result.ts';
import { createEngine, type EngineOptions } from '../src/engine/create.ts';
import type { Engine } from '../src/engine/engine.ts';
import { requestAdapter } from '../src/engine/webgpu/host.ts';
import { openWebGpu } from '../src/engine/webgpu/open.ts';
import { loadNetwork } from '../src/formats/load.node.ts';
import { simplify } from '../src/network/simplify/simplify.ts';
import { compile } from '../src/program/compile.ts';
import { DeviceLog } from './deviceLog.ts';
import { withTimestamps } from './timestamps.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    engine: { type: 'string' },
    method: { type: 'string' },
    rule: { type: 'string' },
    'time-limit': { type: 'string' },
    memory: { type: 'string' },
    kernels: { type: 'boolean', default: false },
  },
});
if (positionals.length === 0) throw new Error('usage: npx tsx bench/phases.ts [--engine NAME] FILE …');
const query = {
  ...(values['time-limit'] !== undefined && { timeLimit: Number(values['time-limit']) }),
  ...(values.memory !== undefined && { memory: 2 ** 30 * Number(values.memory) }),
  ...(values.method !== undefined && { method: values.method }),
  ...(values.rule !== undefined && { rule: values.rule, lower: false }),
} as Partial<BoundOptions>;

console.log(
  'network | load | program | device | first | closed forms | refined | end | lower bound | bound | peak MB',
);
console.log('--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---:');
for (const path of positionals) console.log((await phases(path)).join(' | '));

async function phases(path: string): Promise<readonly string[]> {
  const start = performance.now();
  const network = await loadNetwork(path);
  const loaded = performance.now();
  compile(simplify(network));
  const compiled = performance.now();
  const { engine, log } = await open();
  const opened = performance.now();
  let first = Number.NaN;
  /** When work of each method was last heard of. */
  const last = new Map<string, number>();
  const onProgress = ({ method, log10 }: Progress) => {
    const now = performance.now();
    if (log10 !== undefined && Number.isNaN(first)) first = now;
    last.set(method, now);
  };
  try {
    const result = await bound(network, { engine, since: opened, onProgress, ...query });
    const end = performance.now();
    if (Number.isNaN(first) && result.bound !== null) first = end;
    const since = (time: number | undefined) => seconds((time ?? Number.NaN) - opened);
    return [
      basename(path),
      ...[loaded - start, compiled - loaded, opened - compiled].map(seconds),
      ...[first, last.get('closed-form'), last.get('refined'), end].map(since),
      result.lower ? result.lower.seconds.toFixed(2) : '–',
      result.bound?.toPrecision(5) ?? '–',
      (process.resourceUsage().maxRSS / 1000).toFixed(0),
    ];
  } finally {
    const used = log?.();
    for (const { kernel, dispatches, seconds } of (await used?.kernels()) ?? []) {
      console.log(`· ${kernel} | ${dispatches} | ${seconds.toFixed(4)} s`);
    }
    for (const line of used?.host() ?? []) console.log(`· ${line}`);
    await engine.close();
  }
}

async function open(): Promise<{ engine: Engine; log?: () => DeviceLog | undefined }> {
  if (!values.kernels) {
    const { engine } = values;
    return {
      engine: await createEngine(engine ? { engine: engine as EngineOptions['engine'] & string } : {}),
    };
  }
  let log: DeviceLog | undefined;
  const adapter = withTimestamps(await requestAdapter(), (device) => {
    log = new DeviceLog(device);
  });
  return { engine: await openWebGpu(adapter), log: () => log };
}

function seconds(milliseconds: number): string {
  return Number.isNaN(milliseconds) ? '–' : (milliseconds / 1000).toFixed(2);
}
