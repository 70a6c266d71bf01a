/** From a simplified network to the program that bounds it. */
import type { Network } from '../network/network.ts';
import { fuseMaxima } from './fuseMaxima.ts';
import { inlineSums } from './inlineSums.ts';
import type { Program } from './program.ts';
import { schedule } from './schedule.ts';
import { variablesOf } from './translate.ts';
import type { AnyLengths } from './variables.ts';
import { applyWindows, withZeroSlopes } from './windowRule.ts';

export interface CompileOptions {
  /** For signals of any length, whose slopes are widened to hold 0 (see `ellipsoid/anyLength/plan.ts`, which makes the program whole).
   *  Absent: of the length that the network says. */
  readonly lengths?: AnyLengths;
  /** Maps keep the weights that they have: a sum takes no map over that it would have to multiply. */
  readonly unscaled?: boolean;
}

/**
 * @param network as `simplify` or `arrange` returns it
 * @throws UnsupportedError listing what has no rule: see `variablesOf` and `schedule`
 */
export function compile(network: Network, { lengths, unscaled }: CompileOptions = {}): Program {
  const graph = applyWindows(fuseMaxima(inlineSums(variablesOf(network, { lengths }), { unscaled })));
  return schedule(lengths ? withZeroSlopes(graph) : graph, lengths);
}
