/** Multipliers that a caller gives, and the layers that they are to be those of. */
import { nonlinearSteps, parametersOf } from '../../ellipsoid/multipliers/relative.ts';
import { InputError } from '../../errors.ts';
import type { Program, Step } from '../../program/program.ts';
import type { Query } from '../query.ts';
import type { StoredMultipliers } from '../result.ts';
import { type Path, storedPath } from './path.ts';

/** @throws InputError where the multipliers of a query fit nothing that will be searched */
export function checkGiven({ multipliers, rule, method, searches }: Query, paths: readonly Path[]): void {
  if (!multipliers) return;
  const asked = rule ? `the rule ${rule}` : `the method ${method}`;
  if (!searches) throw new InputError(`multipliers: a search starts from them, got ${asked}`);
  const own = paths.find((path) => storedPath(path) === multipliers.path);
  if (!own) {
    throw new InputError(
      `multipliers: of a search on the path ${multipliers.path}, which ${asked} does not take here`,
    );
  }
  multipliersFor(own.program, multipliers);
}

/** @throws InputError where the stored multipliers are not those of the program's nonlinear layers, one by one */
export function multipliersFor(program: Program, stored: StoredMultipliers): Map<Step, Float64Array> {
  const steps = nonlinearSteps(program);
  if (stored.layers.length !== steps.length) {
    throw new InputError(`multipliers: ${steps.length} nonlinear layers, got ${stored.layers.length}`);
  }
  return new Map(
    steps.map((step, k): [Step, Float64Array] => {
      const { name, theta } = stored.layers[k]!;
      const wanted = parametersOf(step);
      const layer = step.target.variable.name;
      if (name !== layer || theta.length !== wanted) {
        throw new InputError(
          `multipliers: layer ${k} is ${layer} and takes ${wanted} numbers, got ${theta.length} for ${name}`,
        );
      }
      return [step, Float64Array.from(theta)];
    }),
  );
}

/** Those of another network, by the order of its layers; undefined where it has others. */
export function fittingMultipliers(
  program: Program,
  { layers }: StoredMultipliers,
): Map<Step, Float64Array> | undefined {
  const steps = nonlinearSteps(program);
  const fits =
    layers.length === steps.length && steps.every((s, k) => layers[k]!.theta.length === parametersOf(s));
  return fits ? new Map(steps.map((step, k) => [step, Float64Array.from(layers[k]!.theta)])) : undefined;
}
