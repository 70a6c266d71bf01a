/**
 * What loading a file takes, until its network is ready to be bounded:
 *
 *     npx tsx bench/load.ts FILE
 *
 * `bench/files.ts` makes files. The longest wait is that of somebody who asks for a turn every millisecond.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { loadNetwork } from '../src/formats/load.node.ts';
import { simplify } from '../src/network/simplify/simplify.ts';
import { compile } from '../src/program/compile.ts';

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: npx tsx bench/load.ts FILE');

let wait = 0;
let last = performance.now();
const timer = setInterval(() => {
  const now = performance.now();
  wait = Math.max(wait, now - last);
  last = now;
}, 1);

const start = performance.now();
const network = await loadNetwork(path);
const loaded = performance.now();
await new Promise((resolve) => setTimeout(resolve, 5));
clearInterval(timer);
const simplifying = performance.now();
const simple = simplify(network);
const simplified = performance.now();
const program = compile(simple);
const compiled = performance.now();

const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(2)} s`;
const size = network.source!.bytes;
const peak = 1024 * process.resourceUsage().maxRSS;
console.log(`file       ${(size / 1e6).toFixed(0)} MB, ${network.nodes.length} nodes`);
console.log(`load       ${seconds(loaded - start)}, longest wait ${wait.toFixed(0)} ms`);
console.log(`simplify   ${seconds(simplified - simplifying)}, ${simple.nodes.length} nodes`);
console.log(`program    ${seconds(compiled - simplified)}, ${program.segments.length} segments`);
console.log(`most memory ${(peak / 1e6).toFixed(0)} MB, ${(peak / size).toFixed(2)} times the file`);
console.log(`sha256     ${network.source!.sha256}`);

// Of which, alone:
const reading = performance.now();
const bytes = await readFile(path);
const read = performance.now();
createHash('sha256').update(bytes).digest();
console.log(`read ${seconds(read - reading)}, hash ${seconds(performance.now() - read)}`);
