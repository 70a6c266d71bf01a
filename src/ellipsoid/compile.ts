/** From a simplified network to the program that bounds it. */
import type { Network } from '../network/network.ts';
import type { Program } from './program.ts';
import { applyWindows, fuseMaxima, inlineSums } from './rewrite.ts';
import { schedule } from './schedule.ts';
import { variablesOf } from './variables.ts';

/**
 * @param network as `simplify` returns it
 * @throws UnsupportedError listing what has no rule: see `variablesOf` and `schedule`
 */
export function compile(network: Network): Program {
  return schedule(applyWindows(fuseMaxima(inlineSums(variablesOf(network)))));
}
