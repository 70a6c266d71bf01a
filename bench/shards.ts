/**
 * What an engine over several processes sends for one evaluation of the search: `npx tsx bench/shards.ts [FILE …]` (default: the examples). The shards
 * are in this process, one after the other, so that nothing but what they say to each other is measured; seconds are those of all shards
 * together over one engine's.
 */
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bound } from '../src/bounds/bound.ts';
import { createEngine } from '../src/engine/create.ts';
import type { Engine } from '../src/engine/engine.ts';
import { loadNetwork } from '../src/formats/load.node.ts';
import type { Network } from '../src/network/network.ts';
import { shardsHere, type Traffic } from '../test/engine/sharded/shards.ts';

const FEW = 2;
const MANY = 8;
const examples = ['cnn.onnx', 'resnet.onnx'].map((name) =>
  fileURLToPath(new URL(`../examples/${name}`, import.meta.url)),
);

async function searched(network: Network, engine: Engine, evaluations: number): Promise<number> {
  const start = performance.now();
  await bound(network, { engine, method: 'refined', evaluations, lower: false, timeLimit: 600 });
  return (performance.now() - start) / 1000;
}

const files = process.argv.length > 2 ? process.argv.slice(2) : examples;
console.log(
  '| network | shards | messages an evaluation | kB an evaluation | kB in all, set up | seconds, ratio |',
);
console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
for (const file of files) {
  const network = await loadNetwork(file);
  const alone = await createEngine({ engine: 'cpu-wasm', threads: 1 });
  await searched(network, alone, FEW);
  const base = await searched(network, alone, MANY);
  await alone.close();
  for (const count of [2, 4, 8]) {
    const traffic: Traffic = { messages: 0, bytes: 0 };
    const engine = await shardsHere(count, {}, traffic);
    await searched(network, engine, FEW);
    const few = { ...traffic };
    const seconds = await searched(network, engine, MANY);
    const own = { messages: traffic.messages - few.messages, bytes: traffic.bytes - few.bytes };
    const each = (many: number, less: number) => (many - less) / (MANY - FEW);
    const messages = each(own.messages, few.messages).toFixed(0);
    const bytes = each(own.bytes, few.bytes) / 1e3;
    const rest = (few.bytes - (FEW * (own.bytes - few.bytes)) / (MANY - FEW)) / 1e3;
    console.log(
      `| ${basename(file)} | ${count} | ${messages} | ${bytes.toFixed(0)} | ${rest.toFixed(0)} | ${(seconds / base).toFixed(2)} |`,
    );
    await engine.close();
  }
}
