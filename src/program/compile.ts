/** From a simplified network to the program that bounds it. */
import type { Network } from '../network/network.ts';
import { fuseMaxima } from './fuseMaxima.ts';
import { inlineSums } from './inlineSums.ts';
import type { Program } from './program.ts';
import { schedule } from './schedule.ts';
import { variablesOf } from './translate.ts';
import type { Lengths } from './variables.ts';
import { applyWindows, withZeroSlopes } from './windowRule.ts';

/**
 * @param network as `simplify` returns it
 * @param lengths any: see `ellipsoid/anyLength/plan.ts`, which makes the program whole
 * @throws UnsupportedError listing what has no rule: see `variablesOf` and `schedule`
 */
export function compile(network: Network, lengths: Lengths = 'as given'): Program {
  const graph = applyWindows(fuseMaxima(inlineSums(variablesOf(network, lengths))));
  return schedule(lengths === 'as given' ? graph : withZeroSlopes(graph), lengths);
}
