/** The maps of a network each by itself: what a product of norms needs, whatever keeps them from one plan. */
import type { Network } from '../network/network.ts';
import { fuseMaxima } from './fuseMaxima.ts';
import { inlineSums } from './inlineSums.ts';
import type { Program, Segment } from './program.ts';
import { schedule } from './schedule.ts';
import { variablesOf } from './translate.ts';
import type { Term, Variable } from './variables.ts';

/**
 * Every linear map on a torus of its own, for norms alone: there is no order in which covariances could pass through. Padding by samples of
 * the signal is a map as well.
 * @param network as `simplify` returns it
 */
export function compileApart(network: Network): Program {
  const graph = fuseMaxima(inlineSums(variablesOf(network, { padsByCopies: true })));
  const segments: Segment[] = [];
  let sums = 0;
  for (const { origin, ...variable } of graph.variables) {
    if (origin.kind !== 'linear') continue;
    sums += 1 + origin.terms.length;
    for (const term of origin.terms) {
      if (term.map.kind !== 'identity' && term.map.kind !== 'pick') segments.push(...alone(term, variable));
    }
  }
  const { input, output, factor } = graph;
  return { segments, input, output, factor, torusOf: new Map(), sums };
}

function alone(term: Term, target: Omit<Variable, 'origin'>): readonly Segment[] {
  const source: Variable = { ...term.source, origin: { kind: 'input' } };
  const own: Term = { ...term, source, row: 0 };
  const output: Variable = { ...target, channels: term.channels, origin: { kind: 'linear', terms: [own] } };
  return schedule({ variables: [source, output], input: source, output, factor: 1 }).segments;
}
