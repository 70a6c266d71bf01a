/** A network of which everything is known: at x, output 0 is 1 and output 1 is 10 · max(x₀ − 2, (x₀ − 2)/100), so that they are equal at x₀ = 2.1. */
import type { CertifySamplesOptions, MakeProver } from '../../src/certify/certifySamples.ts';
import { certifyWith } from '../../src/certify/certifySamples.ts';
import type {
  RegionAnswer,
  RegionEffort,
  RegionProver,
  RegionQuestion,
} from '../../src/certify/proofs/prover.ts';
import type { SampleReport } from '../../src/certify/report.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { EngineHandle } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network } from '../../src/network/network.ts';

export const EDGE = 2.1;

export function stepNetwork(softmax = false): Network {
  const b = new NetworkBuilder('step');
  const x = b.input('x', [2]);
  const shifted = b.add(
    'shift',
    { kind: 'affine', outputs: 1, inputs: 2, weight: Float64Array.of(1, 0), bias: Float64Array.of(-2) },
    [x],
  );
  const cut = b.add('relu', { kind: 'nonlinearity', function: { name: 'leaky-relu', slope: 0.01 } }, [
    shifted,
  ]);
  const y = b.add(
    'out',
    { kind: 'affine', outputs: 2, inputs: 1, weight: Float64Array.of(0, 10), bias: Float64Array.of(1, 0) },
    [cut],
  );
  return b.build(softmax ? b.add('softmax', { kind: 'softmax', logarithm: false }, [y]) : y);
}

export interface Asked extends RegionEffort {
  readonly radii: readonly number[];
}

/**
 * Proves a label up to a part of its true radius: by its closed form half of it, with evaluations almost all.
 * @param closed of the closed form; more than 1 is a lie
 */
export function stepProver(asked: Asked[] = [], closed = 0.5): MakeProver {
  const answer = ({ centre, label, radius }: RegionQuestion, { evaluations }: RegionEffort): RegionAnswer => {
    const exact = label === 0 ? EDGE - centre[0]! : centre[0]! - EDGE;
    const margins = new Float64Array(1);
    if (radius < closed * exact) return { certified: true, stage: 'anchored closed form', margins };
    if (evaluations > 0 && radius < 0.99 * exact) return { certified: true, stage: 'moving centre', margins };
    return { certified: false, stage: undefined, margins };
  };
  return async () =>
    ({
      inputs: 2,
      outputs: 2,
      bytes: 0,
      evaluate: async () => [],
      prove: async (questions, effort) => {
        asked.push({ ...effort, radii: questions.map(({ radius }) => radius) });
        effort.signal?.throwIfAborted();
        return questions.map((question) => answer(question, effort));
      },
      close: () => {},
    }) satisfies RegionProver;
}

/** One for all tests of a file. */
let engine: EngineHandle | undefined;

export async function reports(
  points: readonly (readonly [x: number, label?: number])[],
  options: CertifySamplesOptions,
  prover: MakeProver = stepProver(),
  network = stepNetwork(),
): Promise<SampleReport[]> {
  const samples = points.map(([x, label], index) => {
    const input = Float64Array.of(x, 0);
    return label === undefined ? { index, input } : { index, input, label };
  });
  const all: SampleReport[] = [];
  engine ??= await createEngine({ engine: 'cpu-wasm', threads: 1 });
  for await (const report of certifyWith(prover, network, samples, { engine, ...options })) all.push(report);
  return all;
}
