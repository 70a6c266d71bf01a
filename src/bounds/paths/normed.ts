/** Programs whose ℓ2 bounds are bounds in other norms (docs/mathematics.md §9). */
import type { Network } from '../../network/network.ts';
import { framed } from '../../network/norms/framed.ts';
import { isEuclidean } from '../../network/norms/norm.ts';
import { compile } from '../../program/compile.ts';
import type { Program } from '../../program/program.ts';
import type { Query } from '../query.ts';

/**
 * The program that bounds a network in the norms of a query.
 * @param network as `simplify` or `unroll` return it
 * @param compiled makes programs of networks
 * @throws UnsupportedError as `compile`
 */
export function programIn(
  network: Network,
  { norms, pair }: Pick<Query, 'norms' | 'pair'>,
  compiled: (network: Network) => Program = compile,
): Program {
  if (isEuclidean(norms)) return compiled(network);
  const { network: whole, factor, ofEntries, reading, loose } = framed(network, norms, pair);
  const program = compiled(whole);
  return {
    ...program,
    factor: program.factor * factor,
    ofEntries,
    ...(reading && { reading }),
    ...(loose !== undefined && { loose }),
  };
}
