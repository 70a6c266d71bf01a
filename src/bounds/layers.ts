/** A program as a list of layers for people. */

import type { Program } from '../ellipsoid/program.ts';
import type { Variable } from '../ellipsoid/variables.ts';
import type { LayerReport, RowRule } from './result.ts';

/** Every variable that the program computes, in order. `rule` gave the multipliers of the nonlinear ones. */
export function layerReports(program: Program, rule: RowRule | undefined): LayerReport[] {
  const seen = new Set<Variable>(program.segments[0]!.start.map((l) => l.variable));
  const layers: LayerReport[] = [];
  for (const segment of program.segments) {
    for (const step of segment.steps) {
      for (const { variable } of step.after) {
        if (seen.has(variable)) continue;
        seen.add(variable);
        layers.push({
          name: variable.name,
          op: variable.operator,
          shape: [variable.channels, ...variable.window],
          torus: program.torusOf.get(variable) ?? null,
          ...(rule && variable.origin.kind !== 'linear' ? { rule } : {}),
        });
      }
    }
  }
  return layers;
}
