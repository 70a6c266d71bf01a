/** Work on groups of samples for another thread: an engine of its own, of one thread, and answers to what is asked. */
import { createEngine } from '../../engine/create.ts';
import type { Engine } from '../../engine/engine.ts';
import { oneByOne, sideBySide } from '../evaluation/sideBySide.ts';
import { createRegionProver } from '../proofs/regionProver.ts';
import { GlobalMargins } from '../stages/globalMargins.ts';
import { type Certifier, ThreadCertifier } from './certifier.ts';
import { type Answer, type Introduction, type Request, sent } from './messages.ts';

/** Whom a thread asks, and who answers each request. */
export type Servant = (request: Request) => Promise<Answer>;

export function servant(): Servant {
  let certifier: Certifier | undefined;
  return async (request) => {
    try {
      switch (request.kind) {
        case 'begin':
          certifier = await certifierOf(request);
          return { kind: 'ready' };
        case 'certify':
          return { kind: 'certified', group: await certifier!.certify(request.samples) };
        case 'proof': {
          const { sample, label, radius } = request;
          return { kind: 'proof', proof: await certifier!.proof(sample, label, radius) };
        }
      }
    } catch (error) {
      return { kind: 'failed', error: sent(error) };
    }
  };
}

async function certifierOf(introduction: Introduction): Promise<Certifier> {
  const { network, regions, memory, slopes, options, proofs } = introduction;
  const engine: Engine = await createEngine({ engine: introduction.engine, threads: 1 });
  const outputs = network.tensors[network.output]!.shape[0]!;
  return new ThreadCertifier({
    network,
    prover: regions
      ? await createRegionProver(network, { engine, ...(memory !== undefined && { memory }) })
      : undefined,
    margins: new GlobalMargins(outputs, slopes),
    evaluator: introduction.sideBySide ? sideBySide(engine) : oneByOne,
    options,
    proofs,
  });
}
