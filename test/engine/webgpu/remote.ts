/** Twin tests and whole bounds as a script for hosts without Vitest: bundled, run, and asked for a report. */
import { glipsdpCnn } from '../../../bench/networks.ts';
import { bound } from '../../../src/bounds/bound.ts';
import { createEngine } from '../../../src/engine/create.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { requestAdapter } from '../../../src/engine/webgpu/host.ts';
import { openWebGpu } from '../../../src/engine/webgpu/open.ts';
import { cases, quickCases } from '../operations/cases.ts';
import { checks, checkTwin } from './check.ts';

export interface Report {
  readonly adapter: string;
  /** What failed, by check. A check without failures has an empty list. */
  readonly failures: Readonly<Record<string, readonly string[]>>;
  /** Bounds of a CNN by name of method and rule, on the GPU and on the same host's CPU (Wasm). */
  readonly bounds: Readonly<Record<string, readonly [gpu: number | null, cpu: number | null]>>;
}

/** @param thorough large batches, too */
export async function report(thorough: boolean): Promise<Report> {
  const adapter = await requestAdapter();
  const engine = await openWebGpu(adapter);
  const failures: Record<string, string[]> = {};
  for (const name of checks) {
    const list: string[] = [];
    failures[name] = list;
    for (const given of thorough ? cases : quickCases) {
      try {
        await checkTwin(engine, name, given);
      } catch (error) {
        list.push(`n = ${given.n}, batch = ${given.batch}, complex = ${given.complex}: ${String(error)}`);
      }
    }
  }
  const cpu = await createEngine({ engine: 'cpu-wasm', threads: 1 });
  const bounds = await compared(engine, cpu);
  await cpu.close();
  await engine.close();
  return { adapter: adapter.name, failures, bounds };
}

/** Zero-padded convolutions, global mean, linear: the shape of GLipSDP's networks, small. */
async function compared(gpu: Engine, cpu: Engine): Promise<Report['bounds']> {
  const network = glipsdpCnn(3, 3);
  const rules = ['SN(1)', 'GC(1.5)', 'Shift(1.5)'] as const;
  const found: Record<string, readonly [number | null, number | null]> = {};
  for (const rule of rules) {
    const [one, other] = [
      await bound(network, { engine: gpu, rule, rigor: false }),
      await bound(network, { engine: cpu, rule, rigor: false }),
    ];
    found[rule] = [one.bound, other.bound];
  }
  const options = { method: 'spectral-product' } as const;
  const [one, other] = [
    await bound(network, { ...options, rigor: false, engine: gpu }),
    await bound(network, { ...options, rigor: false, engine: cpu }),
  ];
  found['spectral-product'] = [one.bound, other.bound];
  return found;
}
