/** Twin tests and whole bounds as a script for a page: bundled, run, and asked for a report. */
import { bound } from '../../../src/bounds/bound.ts';
import { createEngine } from '../../../src/engine/create.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { loadNetwork } from '../../../src/formats/load.browser.ts';
import { type Case, cases, quickCases } from '../operations/cases.ts';
import { estimates, operations, radii } from '../operations.ts';
import { checks, checkTwin, withInputs } from '../webgpu/check.ts';

export interface Report {
  readonly description: string;
  /** What failed, by check. A check without failures has an empty list. */
  readonly failures: Readonly<Record<string, readonly string[]>>;
  /** Where results on the CPU hold NaN and those on WebGL do not, once the first number of every operand is none. */
  readonly lostNaN: readonly string[];
  /** Bounds of networks by file, method and rule: on WebGL and on the same page's CPU (Wasm). */
  readonly bounds: Readonly<Record<string, readonly [webgl: number | null, cpu: number | null]>>;
}

/** @param models ONNX files in base 64, by name */
export async function report(models: Readonly<Record<string, string>>): Promise<Report> {
  const engine = await createEngine({ engine: 'webgl' });
  const cpu = await createEngine({ engine: 'cpu-wasm', threads: 1 });
  const failures: Record<string, string[]> = {};
  for (const name of checks) {
    failures[name] = await failuresOf((given) => checkTwin(engine, name, given), quickCases);
  }
  const lostNaN = await failuresOf(
    (given) => checkNaN(engine, cpu, given),
    cases.filter(({ n }) => n <= 17),
  );
  const bounds = await compared(engine, cpu, models);
  await cpu.close();
  await engine.close();
  return { description: engine.information.description, failures, lostNaN, bounds };
}

async function failuresOf(check: (given: Case) => Promise<void>, given: readonly Case[]): Promise<string[]> {
  const list: string[] = [];
  for (const one of given) {
    try {
      await check(one);
    } catch (error) {
      list.push(`n = ${one.n}, batch = ${one.batch}, complex = ${one.complex}: ${String(error)}`);
    }
  }
  return list;
}

/** @throws Error that names the operation and the place. */
async function checkNaN(webgl: Engine, cpu: Engine, given: Case): Promise<void> {
  const spoilt = (x: number, index: number) => (index === 0 ? Number.NaN : x);
  const all = [...operations, ['radii', '', radii] as const, ['estimates', '', estimates] as const];
  for (const [name, , operation] of all) {
    const [actual, expected] = await Promise.all(
      [webgl, cpu].map((engine) => engine.read(...operation(withInputs(engine, spoilt), given))),
    );
    expected!.forEach((values, k) => {
      const place = values.findIndex((x, i) => Number.isNaN(x) && !Number.isNaN(actual![k]![i]));
      if (place >= 0) throw new Error(`${name}, result ${k}: entry ${place} is ${actual![k]![place]}`);
    });
  }
}

async function compared(
  webgl: Engine,
  cpu: Engine,
  models: Readonly<Record<string, string>>,
): Promise<Report['bounds']> {
  const found: Record<string, readonly [number | null, number | null]> = {};
  for (const [name, text] of Object.entries(models)) {
    const network = await loadNetwork(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
    for (const options of [
      { method: 'spectral-product' },
      { rule: 'SN(1)' },
      { rule: 'GC(1.5)' },
      { rule: 'Shift(1.5)' },
    ] as const) {
      const [one, other] = [
        await bound(network, { ...options, rigor: false, engine: webgl }),
        await bound(network, { ...options, rigor: false, engine: cpu }),
      ];
      found[`${name}, ${'rule' in options ? options.rule : options.method}`] = [one.bound, other.bound];
    }
  }
  return found;
}
