/** Engines over several shards: the operations against the oracle, bounds against those of one engine, and what becomes of a shard that is lost. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bound } from '../../../src/bounds/bound.ts';
import { createEngine } from '../../../src/engine/create.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import type { ChannelListener } from '../../../src/engine/sharded/channel.ts';
import { isAligned, startsOf } from '../../../src/engine/sharded/layout.ts';
import { openProcesses } from '../../../src/engine/sharded/processes.ts';
import { loadNetwork } from '../../../src/formats/load.node.ts';
import { assertClose } from '../compare.ts';
import { tolerances } from '../engines.ts';
import { cases } from '../operations/cases.ts';
import { operations, radii } from '../operations.ts';
import { oracleEngine } from '../oracle/engine.ts';
import { shardsHere, type Traffic } from './shards.ts';

const example = (name: string) => fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));

describe.each([2, 3])('%i shards', (count) => {
  const oracle = oracleEngine();
  let engine: Engine;
  beforeAll(async () => {
    engine = await shardsHere(count);
  });
  afterAll(() => engine.close());

  const looked = cases.filter(({ n, batch }) => n <= 17 && batch >= 1);
  it.each(operations)('%s', async (name, tolerance, operation) => {
    for (const given of looked) {
      const actual = await engine.read(...operation(engine, given));
      const expected = await oracle.read(...operation(oracle, given));
      actual.forEach((values, k) => {
        const where = `${name}, n = ${given.n}, batch = ${given.batch}, result ${k}`;
        assertClose(values, expected[k]!, tolerances[tolerance], where);
      });
    }
  });

  it.each(Object.entries(radii))('%s', async (_, operation) => {
    for (const given of looked) {
      const [actual] = await engine.read(...operation(engine, given));
      const [expected] = await oracle.read(...operation(oracle, given));
      expect(actual![0]! / (expected![0]! || 1)).toBeGreaterThan(1 - 1e-12);
      expect(actual![0]!).toBeLessThanOrEqual(expected![0]! * (1 + 1e-8));
    }
  });
});

describe('batches', () => {
  it('of any size lie on shards without gaps, and what belongs together often together', () => {
    for (const [batch, shards] of [
      [7, 3],
      [64, 4],
      [4, 4],
      [100, 8],
    ] as const) {
      const starts = startsOf(batch, shards);
      expect([starts[0], starts.at(-1), starts.length]).toEqual([0, batch, shards + 1]);
      expect(starts.slice(1).every((start, k) => start > starts[k]!)).toBe(true);
    }
    expect(isAligned(16, 4, 4)).toBe(true);
    expect(isAligned(7, 4, 2)).toBe(false);
  });

  it('of any size are summed up by their shards to what they are', async () => {
    const engine = await shardsHere(3);
    for (const batch of [1, 2, 3, 5, 12, 14, 21]) {
      const data = Float64Array.from({ length: 4 * batch }, (_, i) => Math.sin(i));
      const s = engine.matrices(data, batch, 2, 2, false);
      const [whole] = await engine.read(s);
      expect(whole).toEqual(data);
      const means = engine.alias(s, batch);
      const [mean, back] = await engine.read(means, engine.aliasAdjoint(means, batch));
      const expected = [0, 1, 2, 3].map(
        (k) => data.filter((_, i) => i % 4 === k).reduce((a, b) => a + b) / batch,
      );
      for (const [k, value] of expected.entries()) expect(mean![k]).toBeCloseTo(value, 14);
      expect(back!.length).toBe(4 * batch);
    }
    await engine.close();
  });
});

describe('bounds over several shards', () => {
  let alone: Engine;
  beforeAll(async () => {
    alone = await createEngine({ engine: 'cpu-wasm', threads: 1 });
  });
  afterAll(() => alone.close());

  it.each([
    ['cnn.onnx', 4],
    ['resnet.onnx', 3],
    ['mlp.onnx', 2],
  ] as const)('%s: those of one', async (name, count) => {
    const network = await loadNetwork(example(name));
    const traffic: Traffic = { messages: 0, bytes: 0 };
    const engine = await shardsHere(count, {}, traffic);
    const options = { lower: false, evaluations: 6, timeLimit: 600 } as const;
    const own = await bound(network, { ...options, engine: alone });
    const shared = await bound(network, { ...options, engine });
    expect(shared.methods.map(({ method, rule }) => `${method} ${rule}`)).toEqual(
      own.methods.map(({ method, rule }) => `${method} ${rule}`),
    );
    for (const [k, row] of own.methods.entries()) {
      const other = shared.methods[k]!.bound;
      if (row.bound === null) expect(other).toBeNull();
      else expect(other! / row.bound, `${row.method} ${row.rule}`).toBeCloseTo(1, 9);
    }
    expect(shared.assurance).toBe(own.assurance);
    await engine.close();
  });
});

describe('a shard', () => {
  const chain = async (engine: Engine) => {
    const s = engine.matrices(Float64Array.of(1, 2, 3, 4), 4, 1, 1, false);
    return (await engine.read(engine.rowSums(s)))[0]!;
  };

  it('that leaves entries out is found out', async () => {
    const engine = await shardsHere(2, {
      // The last entry, which has the maximum, is forgotten.
      command: (command, shard) =>
        command.kind === 'matrices' && shard === 1
          ? { ...command, shape: { ...command.shape, batch: 1 }, data: command.data.subarray(0, 1) }
          : command,
    });
    await expect(chain(engine)).rejects.toThrow(/all parts must be of 4 entries, got 3/);
    await expect(chain(engine)).rejects.toThrow(/nothing is computed/);
    await engine.close();
  });

  it('that tells its part twice is found out', async () => {
    const engine = await shardsHere(2, {
      answer: (answer) => (answer.kind === 'part' ? { ...answer, turn: answer.turn + 1000 } : answer),
    });
    await expect(chain(engine)).rejects.toThrow(/worker \d of 2: must tell its part once/);
    await engine.close();
  });

  it('takes what all agree on where each has computed it: multipliers are the same at all frequencies', async () => {
    const engine = await shardsHere(2, {
      answer: (answer, k) =>
        answer.kind === 'part' && k === 1 ? { ...answer, data: answer.data.map((x) => x * 1.25) } : answer,
    });
    const s = engine.matrices(Float64Array.of(4), 1, 1, 1, false);
    const { definite } = engine.inverse(engine.vector([5]), s);
    const found = await engine.read(engine.rowSums(s), engine.spectralRadius(s), definite);
    expect(found.map(([x]) => x)).toEqual([5, expect.closeTo(5, 6), 1]);
    await engine.close();
  });

  it('that is lost loses the engine, in the middle of a bound too', async () => {
    let listener: ChannelListener | undefined;
    let told = 0;
    const engine = await shardsHere(2, {
      listener: (own, k) => {
        if (k === 1) listener = own;
      },
      answer: (answer) => {
        if (answer.kind === 'part' && ++told === 9) listener!.lose('its process has ended (SIGKILL)');
        return answer;
      },
    });
    const network = await loadNetwork(example('cnn.onnx'));
    await expect(bound(network, { engine, lower: false })).rejects.toThrow(
      /worker 2 of 2: its process has ended \(SIGKILL\); without its part .* nothing is computed/,
    );
    await engine.close();
  });

  it('of another kind is refused', async () => {
    await expect(
      shardsHere(2, {
        answer: (answer, k) =>
          answer.kind === 'opened' && k === 1
            ? { ...answer, information: { ...answer.information, description: 'a GPU' } }
            : answer,
      }),
    ).rejects.toThrow(/workers: must compute alike, got .* and a GPU/);
  });

  it('is not waited for after an abort', async () => {
    const engine = await shardsHere(2);
    const w = engine.matrices(new Float64Array(2 * 200 * 200).fill(1), 2, 200, 200, false);
    for (let k = 0; k < 10; k++) engine.product(w, w);
    const stop = new AbortController();
    const settling = engine.settle(stop.signal);
    stop.abort();
    await expect(settling).rejects.toThrow(/abort/i);
    expect(await chain(engine)).toEqual(Float64Array.of(4));
    await engine.close();
  });

  it('that cannot start says so', async () => {
    const failing = new URL('failing.mjs', import.meta.url);
    const module = new URL('missing.js', import.meta.url);
    await expect(openProcesses(2, {}, module)).rejects.toThrow(
      /worker \d of 2: its process has ended \(exit code 1, Error: Cannot find module .*missing\.js/,
    );
    await expect(openProcesses(2, { engine: 'cpu', threads: 0 }, failing)).rejects.toThrow(
      /worker \d of 2: .*threads must be a positive integer/,
    );
    await expect(createEngine({ workers: 0 })).rejects.toThrow('workers: an integer from 1 to 256, got 0');
  });
});

// Processes run what has been built.
const built = new URL('../../../dist/engine/sharded/process.js', import.meta.url);
it.skipIf(!existsSync(built))('processes give the bound of one, and none when one is killed', async () => {
  const network = await loadNetwork(example('cnn.onnx'));
  const options = { method: 'closed-form', rule: 'GC(1.5)', lower: false } as const;
  const alone = await createEngine({ engine: 'cpu-wasm', threads: 1 });
  const own = await bound(network, { ...options, engine: alone });
  await alone.close();
  const engine = await openProcesses(2, { engine: 'cpu-wasm' }, built);
  const shared = await bound(network, { ...options, engine });
  expect(shared.bound! / own.bound!).toBeCloseTo(1, 12);
  const children = childrenOf(process.pid, built.pathname);
  expect(children.length).toBe(2);
  const searching = bound(network, { method: 'refined', lower: false, engine });
  setTimeout(() => process.kill(children[1]!, 'SIGKILL'), 200);
  await expect(searching).rejects.toThrow(/worker \d of 2: its process has ended \(SIGKILL\)/);
  await expect(bound(network, { ...options, engine })).rejects.toThrow(/nothing is computed/);
  await engine.close();
  expect(childrenOf(process.pid, built.pathname)).toEqual([]);
});

/** Numbers of the processes that a process has started with a script. */
function childrenOf(parent: number, script: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const status = readFileSync(`/proc/${name}/stat`, 'utf8');
      const own = Number(status.slice(status.lastIndexOf(')') + 4).split(' ')[0]) === parent;
      return own && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(script) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}
