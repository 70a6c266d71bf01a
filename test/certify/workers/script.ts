/** Certifies with threads of its own, in Node and Deno: bundled beside the module of the threads, and run by `hosts.test.ts`. */
import { createHash } from 'node:crypto';
import { certifySamples, createEngine, NetworkBuilder } from '../../../src/index.ts';
import { Random } from '../../support/random.ts';

const random = new Random(11);
const b = new NetworkBuilder('small');
const dense = (name: string, outputs: number, inputs: number, from: number) =>
  b.add(name, { kind: 'affine', outputs, inputs, weight: random.normals(outputs * inputs) }, [from]);
const hidden = b.add('relu', { kind: 'nonlinearity', function: { name: 'relu' } }, [
  dense('fc_1', 40, 8, b.input('x', [8])),
]);
const network = b.build(dense('fc_2', 3, 40, hidden));
const samples = Array.from({ length: 150 }, (_, index) => ({ index, input: random.normals(8) }));

async function reports(workers: number): Promise<string> {
  const engine = await createEngine({ engine: 'cpu', threads: 1 });
  const hash = createHash('sha256');
  for await (const { seconds, ...report } of certifySamples(network, samples, {
    ...{ engine, workers, radii: [0.01, 0.05], global: false, evaluations: 2, attackStarts: 1 },
    onCounterexample: (index, point) => hash.update(`${index}: ${[...point]}`),
  })) {
    hash.update(JSON.stringify(report));
  }
  await engine.close();
  return hash.digest('hex');
}

/** Of the threads that there were, by their worker_threads identifiers: the next one's is one more. */
async function threadsSoFar(): Promise<number> {
  const { Worker } = await import('node:worker_threads');
  const next = new Worker('', { eval: true });
  const { threadId } = next;
  await next.terminate();
  return threadId;
}

const before = await threadsSoFar();
const one = await reports(1);
const between = await threadsSoFar();
const two = await reports(2);
const after = await threadsSoFar();
// Each of them counts itself.
console.log(JSON.stringify({ same: one === two, alone: between - before - 1, started: after - between - 1 }));
