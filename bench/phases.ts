/**
 * Where the time goes from a file to its bound, on the way that the command line goes:
 *
 *     npx tsx bench/phases.ts [--engine NAME] [--time-limit SECONDS] FILE …
 *
 * `bench/export_torchvision.py` writes files of networks that people use, where PyTorch is; `bench/files.ts` such of the same sizes without
 * it. In seconds: load, program and device are what they take; first (when there was a bound), closed forms, refined and end count from when
 * bounding began; the lower bound is its share of the end.
 */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { bound } from '../src/bounds/bound.ts';
import type { Progress } from '../src/bounds/result.ts';
import { createEngine, type EngineOptions } from '../src/engine/create.ts';
import { loadNetwork } from '../src/formats/load.node.ts';
import { simplify } from '../src/network/simplify/simplify.ts';
import { compile } from '../src/program/compile.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { engine: { type: 'string' }, 'time-limit': { type: 'string' } },
});
if (positionals.length === 0) throw new Error('usage: npx tsx bench/phases.ts [--engine NAME] FILE …');
const timeLimit = values['time-limit'] === undefined ? {} : { timeLimit: Number(values['time-limit']) };
const choice =
  values.engine === undefined ? {} : { engine: values.engine as EngineOptions['engine'] & string };

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
  const engine = await createEngine(choice);
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
    const result = await bound(network, { engine, since: opened, onProgress, ...timeLimit });
    const end = performance.now();
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
    await engine.close();
  }
}

function seconds(milliseconds: number): string {
  return Number.isNaN(milliseconds) ? '–' : (milliseconds / 1000).toFixed(2);
}
