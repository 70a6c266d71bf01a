/**
 * The dissipativity program of Pauli, Gramlich & Allgöwer (2023, arXiv 2211.15253) for one-dimensional convolutional networks.
 *
 * A layer x⁺ = A x + B u, y = C x + D u, φ = φ(y) with slopes in [α, β] is incrementally dissipative with the storage ΔxᵀP Δx, P ⪰ 0, and the
 * supply rate Δuᵀ(I ⊗ X) Δu − ΔφᵀX'Δφ if with diagonal multipliers Λ ≥ 0, for all (Δx, Δu, Δφ),
 *
 *     ΔxᵀP Δx − Δx⁺ᵀP Δx⁺ + Δuᵀ(I ⊗ X) Δu − ΔφᵀX'Δφ − 2 (β Δy − Δφ)ᵀΛ (Δφ − α Δy) ≥ 0 ;
 *
 * I ⊗ X because u holds several samples where there is a stride, or all of them where a signal is flattened. Summed over time from and to zero
 * the storage drops out: Σ ΔφᵀX'Δφ ≤ Σ ΔuᵀX Δu. The supply rates chain, from ρ I at the input to I at the output, which is L² ≤ ρ.
 *
 * Signals may be cut off at their ends, as zero padding does: with X' ⪰ 0 that only makes the left side smaller, and with P ⪰ 0 the storage left
 * over at the end has the right sign. X ⪰ 0 needs no inequality of its own: with Δx = 0 and Δφ = α Δy it follows from X' ⪰ 0.
 *
 * Max pooling passes a diagonal X, with the number of windows that a sample may fall in as a factor; averaging is a convolution without a
 * nonlinearity.
 */
import type { DenseMatrix } from '../network/matrix.ts';
import type { Network } from '../network/network.ts';
import { type Chain, type ChainLayer, chainOf, type Passage } from './chain.ts';
import { combination, coordinates, type Form } from './form.ts';
import type { Formulated } from './formulation.ts';
import { CONSTANT, type MatrixInequality, RHO, SemidefiniteProgram } from './program.ts';
import { constrain } from './sector.ts';

/** vᵀX v = Σ weight · x_variable · v_row · v_column, of which X is a matrix of variables, or ρ or 1 times the identity. */
type SupplyRate = readonly {
  readonly variable: number;
  readonly weight: number;
  readonly row: number;
  readonly column: number;
}[];

/**
 * The program of a simplified network.
 * @throws UnsupportedError for branches, signals of more axes than one, and whatever else has no such inequality
 */
export function dissipativity(network: Network): Formulated {
  const chain = chainOf(network);
  const program = new SemidefiniteProgram();
  const { supplied, demanded } = supplyRates(chain, program);
  for (const [k, layer] of chain.layers.entries()) {
    dissipate(program, layer, supplied[k]!, demanded[k + 1]!);
  }
  if (chain.layers.length === 0) {
    // Pooling alone: ρ I ⪰ factor · I.
    const inequality = program.inequality(network.name, chain.channels);
    const input = coordinates(0, chain.channels);
    addSupply(inequality, 1, identity(RHO, chain.channels), input);
    addSupply(inequality, -1, demanded[0]!, input);
  }
  return { program, scale: chain.scale };
}

/**
 * On both sides of every passage: what the layer before it owes (`demanded`) pays for what the layer after it takes (`supplied`), factor · X for
 * X. Larger rates make the next inequality easier and the last one harder, so that nothing is lost in taking both equal.
 */
function supplyRates({ layers, passages, channels }: Chain, program: SemidefiniteProgram) {
  const supplied: SupplyRate[] = [];
  const demanded: SupplyRate[] = [];
  for (const [k, passage] of passages.entries()) {
    const layer = layers[k];
    if (k === 0) {
      const first = identity(RHO, channels);
      supplied.push(times(1 / passage.factor, first));
      demanded.push(layer ? first : identity(CONSTANT, channels, passage.factor));
    } else if (!layer) {
      demanded.push(identity(CONSTANT, layers[k - 1]!.system.d.rows, passage.factor));
    } else {
      const rate = unknownRate(program, layer, passage);
      supplied.push(rate);
      demanded.push(times(passage.factor, rate));
    }
  }
  return { supplied, demanded };
}

function unknownRate(
  program: SemidefiniteProgram,
  { name, channels }: ChainLayer,
  passage: Passage,
): SupplyRate {
  if (passage.diagonal) {
    const variables = program.unknowns('diagonal input supply rate', name, channels);
    return variables.map((variable, k) => ({ variable, weight: 1, row: k, column: k }));
  }
  return symmetric(program.unknowns('input supply rate', name, (channels * (channels + 1)) / 2), channels);
}

/** The full symmetric matrix whose upper triangle the variables are. */
function symmetric(variables: readonly number[], size: number): SupplyRate {
  const rate = [];
  let next = 0;
  for (let row = 0; row < size; row++) {
    for (let column = row; column < size; column++) {
      rate.push({ variable: variables[next++]!, weight: row === column ? 1 : 2, row, column });
    }
  }
  return rate;
}

function identity(variable: number, size: number, weight = 1): SupplyRate {
  return Array.from({ length: size }, (_, k) => ({ variable, weight, row: k, column: k }));
}

function times(factor: number, rate: SupplyRate): SupplyRate {
  return rate.map((term) => ({ ...term, weight: factor * term.weight }));
}

/** The inequality of one layer, with the storage and the multipliers that it needs. */
function dissipate(
  program: SemidefiniteProgram,
  layer: ChainLayer,
  supply: SupplyRate,
  demand: SupplyRate,
): void {
  const { name, system, channels, slopes } = layer;
  const { a, b, c, d } = system;
  const [states, inputs, outputs] = [a.rows, d.columns, d.rows];
  const inequality = program.inequality(name, states + inputs + (slopes ? outputs : 0));
  const x = coordinates(0, states);
  const u = coordinates(states, inputs);
  const y = sum(applied(c, x), applied(d, u));
  if (states > 0) {
    const storage = symmetric(program.unknowns('storage', name, (states * (states + 1)) / 2), states);
    addSupply(program.inequality(name, states), 1, storage, coordinates(0, states));
    addSupply(inequality, 1, storage, x);
    addSupply(inequality, -1, storage, sum(applied(a, x), applied(b, u)));
  }
  for (let first = 0; first < inputs; first += channels) {
    addSupply(inequality, 1, supply, u.slice(first, first + channels));
  }
  if (!slopes) {
    addSupply(inequality, -1, demand, y);
    return;
  }
  const phi = coordinates(states + inputs, outputs);
  addSupply(inequality, -1, demand, phi);
  constrain(inequality, program.nonnegative('multipliers', name, outputs), y, phi, slopes);
}

/** Adds sign · vᵀX v. */
function addSupply(inequality: MatrixInequality, sign: number, rate: SupplyRate, v: readonly Form[]): void {
  for (const { variable, weight, row, column } of rate) {
    inequality.add(variable, sign * weight, v[row]!, v[column]!);
  }
}

function applied({ rows, columns, data }: DenseMatrix, forms: readonly Form[]): Form[] {
  return Array.from({ length: rows }, (_, i) =>
    combination(data.subarray(i * columns, (i + 1) * columns), forms),
  );
}

function sum(left: readonly Form[], right: readonly Form[]): Form[] {
  return left.map((form, i) => combination([1, 1], [form, right[i]!]));
}
