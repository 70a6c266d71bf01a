/** A simplified network as a list of layers for people, with what its program knows of them. */

import type { Network } from '../../network/network.ts';
import type { Program } from '../../program/program.ts';
import type { LayerReport, RowRule } from '../result.ts';

/** @param rule gave the multipliers of the nonlinear layers */
export function layerReports(
  network: Network,
  program: Program | undefined,
  rule: RowRule | undefined,
): LayerReport[] {
  const torus = program ? torusByName(program) : new Map<string, readonly number[]>();
  return network.nodes.map(({ name, operator, output }) => {
    const nonlinear =
      operator.kind === 'nonlinearity' ||
      operator.kind === 'grouped' ||
      operator.kind === 'max-pool' ||
      operator.kind === 'global-max-pool';
    return {
      name,
      op: 'function' in operator ? operator.function.name : operator.kind,
      shape: network.tensors[output]!.shape,
      torus: torus.get(name) ?? null,
      ...(rule && nonlinear ? { rule } : {}),
    };
  });
}

/** Sides of the torus that each layer works on: a linear one's is that of what it reads. */
function torusByName(program: Program): Map<string, readonly number[]> {
  const found = new Map<string, readonly number[]>();
  const note = (name: string, torus: readonly number[] | undefined) => {
    if (torus && !found.has(name)) found.set(name, torus);
  };
  for (const step of program.segments.flatMap((s) => s.steps)) {
    if (step.kind === 'linear' || step.kind === 'read') {
      for (const { term } of step.terms) {
        if (term.name !== undefined && term.map.kind !== 'read')
          note(term.name, program.torusOf.get(term.source));
      }
    } else {
      note(step.target.variable.name, program.torusOf.get(step.source.variable));
    }
  }
  // Sums are no terms of their own.
  for (const [variable, torus] of program.torusOf) note(variable.name, torus);
  return found;
}
