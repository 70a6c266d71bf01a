/** Closed-form bounds as a script for Deno: bundled, run, and asked for numbers. */
import { vgg16 } from '../../../bench/networks.ts';
import { bound } from '../../../src/bounds/bound.ts';
import type { RuleName } from '../../../src/ellipsoid/multipliers/closedForms.ts';
import { createEngine } from '../../../src/engine/create.ts';
import { loadNetwork } from '../../../src/formats/load.browser.ts';
import type { Network } from '../../../src/network/network.ts';

declare const Deno: { readFile(path: string): Promise<Uint8Array> };

/** Decimal logarithms of a bound, on the GPU and on the CPU. */
export type Pair = readonly [rule: RuleName, gpu: number | null, cpu: number | null];

/** Bounds of an ONNX file, with the file beside it that holds its weights, if there is one. */
export async function ofFile(path: string, external: boolean, rules: readonly RuleName[]): Promise<Pair[]> {
  const weights = external
    ? [[`${path.split('/').at(-1)}.data`, await Deno.readFile(`${path}.data`)] as const]
    : [];
  const network = await loadNetwork(await Deno.readFile(path), { external: new Map(weights) });
  return compared(network, rules);
}

/** Bounds of VGG-16 on 32 × 32 images with an eighth of its channels. */
export function ofSmallVgg16(rules: readonly RuleName[]): Promise<Pair[]> {
  return compared(vgg16({ side: 32, divisor: 8 }), rules);
}

async function compared(network: Network, rules: readonly RuleName[]): Promise<Pair[]> {
  const gpu = await createEngine({ engine: 'webgpu' });
  const cpu = await createEngine({ engine: 'cpu-wasm', threads: 1 });
  const pairs: Pair[] = [];
  for (const rule of rules) {
    const [one, other] = [
      await bound(network, { engine: gpu, rule, rigor: false }),
      await bound(network, { engine: cpu, rule, rigor: false }),
    ];
    pairs.push([rule, one.log10, other.log10]);
  }
  await gpu.close();
  await cpu.close();
  return pairs;
}
