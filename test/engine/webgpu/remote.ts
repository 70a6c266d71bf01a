/** The twin tests as a script for hosts without Vitest: bundled, run, and asked for a report. */
import { requestAdapter } from '../../../src/engine/webgpu/host.ts';
import { openWebGpu } from '../../../src/engine/webgpu/open.ts';
import { cases } from '../operations.ts';
import { checks, checkTwin } from './check.ts';

export interface Report {
  readonly adapter: string;
  /** What failed, by check. A check without failures has an empty list. */
  readonly failures: Readonly<Record<string, readonly string[]>>;
}

export async function report(): Promise<Report> {
  const adapter = await requestAdapter();
  const engine = await openWebGpu(adapter);
  const failures: Record<string, string[]> = {};
  for (const name of checks) {
    const list: string[] = [];
    failures[name] = list;
    for (const given of cases) {
      try {
        await checkTwin(engine, name, given);
      } catch (error) {
        list.push(`n = ${given.n}, batch = ${given.batch}, complex = ${given.complex}: ${String(error)}`);
      }
    }
  }
  await engine.close();
  return { adapter: adapter.name, failures };
}
