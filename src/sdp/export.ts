/** A network's Lipschitz bound as a semidefinite program for any solver. */
import { InputError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { simplify } from '../network/simplify/simplify.ts';
import { dissipativity } from './dissipativity.ts';
import type { Formulated } from './formulation.ts';
import { lipsdp } from './lipsdp.ts';
import { FORMULATIONS, type Formulation, headerOf, writeSdpa } from './sdpa.ts';

export interface SdpProblem {
  /** In SDPA sparse format (.dat-s). */
  readonly text: string;
  readonly formulation: Formulation;
  /** The bound is scale · √optimum. */
  readonly scale: number;
  readonly variables: number;
  /** Orders of the blocks; negative for diagonal ones. */
  readonly blocks: readonly number[];
}

export type { Formulation } from './sdpa.ts';

const PROGRAMS: Readonly<Record<Formulation, (network: Network) => Formulated>> = { lipsdp, dissipativity };

/**
 * Writes down the semidefinite program whose optimum is the square of a bound on ‖f(x) − f(y)‖₂ / ‖x − y‖₂:
 * `lipsdp` (LipSDP-neuron, Fazlyab et al. 2019) for networks of linear maps, sums and elementwise functions, convolutions unrolled; or
 * `dissipativity` (Pauli, Gramlich & Allgöwer 2023) for chains of one-dimensional convolutions, pooling and fully connected layers.
 * @throws UnsupportedError naming what the formulation does not cover, or what is too large
 * @throws InputError for an unknown formulation
 */
export function exportSdp(network: Network, formulation: Formulation): SdpProblem {
  if (!FORMULATIONS.includes(formulation))
    throw new InputError(`formulation: one of ${FORMULATIONS.join(', ')}, got ${String(formulation)}`);
  const { program, scale } = PROGRAMS[formulation](simplify(network));
  return {
    text: writeSdpa(program, headerOf(network, formulation, scale)),
    formulation,
    scale,
    variables: program.variables,
    blocks: program.inequalities.map(({ order, diagonal }) => (diagonal ? -order : order)),
  };
}
