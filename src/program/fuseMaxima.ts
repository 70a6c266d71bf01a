/** Poolings joined with the nonlinearities that they read. */
import { consumersOf, dropUnused, type VariableGraph } from './variables.ts';

/** max ∘ φ reads φ's argument directly: |max φ(y) − max φ(y')| ≤ max |β| |y − y'| needs no multipliers for φ. */
export function fuseMaxima(graph: VariableGraph): VariableGraph {
  const consumers = consumersOf(graph.variables);
  for (const variable of graph.variables) {
    const origin = variable.origin;
    // Of a group φ keeps its own multipliers, which never lose anything.
    if (origin.kind !== 'maximum' || origin.windows.kind === 'grouped') continue;
    const inner = origin.source.origin;
    if (inner.kind !== 'nonlinearity' || consumers.get(origin.source)!.length > 1) continue;
    const gain = inner.lower.map((l, c) => Math.max(Math.abs(l), Math.abs(inner.upper[c]!)));
    variable.origin = { ...origin, source: inner.source, gain };
  }
  return dropUnused(graph);
}
