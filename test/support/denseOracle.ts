/**
 * The covariance recursion of docs/mathematics.md §1 on explicit matrices: every linear operator as the Toeplitz or circulant matrix
 * that it is, and one joint covariance of all tensors, none of which is ever dropped. Whatever the frequency path
 * does with symbols, aliasing, lifts and windows must come to the same on circular padding, and to no less on zero
 * padding, where it also lets the samples outside the window vary.
 */
import type { Network, Node } from '../../src/network/network.ts';
import { maxPoolWindows } from './forward.ts';
import { volume } from './grid.ts';
import { linearNode } from './linearNode.ts';
import type { SparseMatrix } from './sparse.ts';
import {
  block,
  type Dense,
  identity,
  inverse,
  largestEigenvalue,
  product as multiply,
  transpose as transposed,
  zeros,
} from './symmetric.ts';

export interface OracleChoices {
  /** D of a nonlinearity or maximum by its node's name: one value per channel, or one per entry. A nonlinearity without one
   *  must have a maximum as its only consumer and is bounded together with it, by that one's multiplier. */
  multiplier(name: string): Float64Array | undefined;
  /** Slope interval [α, β] of a nonlinearity with a multiplier: one value for all, per channel, or per entry. */
  sector(name: string): { readonly lower: Float64Array; readonly upper: Float64Array };
  /** Largest slopes of what a maximum takes along, in the same ways; ones where it takes nothing along. */
  gain(name: string): Float64Array;
}

export interface OracleResult {
  /** L² = λ_max(Σ_out) */
  readonly squared: number;
  /** Σ_out */
  readonly covariance: Dense;
}

/** Where D ≻ S fails. */
export class NotDominated extends Error {
  override readonly name = 'NotDominated';
}

/** @throws NotDominated where a multiplier does not dominate the covariance of its argument. */
export function denseOracle(network: Network, choices: OracleChoices): OracleResult {
  const joint = new Joint();
  const size = (id: number) => volume(network.tensors[id]!.shape);
  joint.start(network.input, identity(size(network.input)));
  const lastUse = lastUses(network);
  /** Where nonlinearities that their maximum takes along read. */
  const deferred = new Map<number, number>();

  network.nodes.forEach((node, k) => {
    const source = node.inputs[0]!;
    const linear = linearNode(network, node);
    if (linear) {
      joint.appendLinear(node.output, node.inputs, linear.matrices);
      return;
    }
    const { operator } = node;
    const given = choices.multiplier(node.name);
    const perEntry = (values: Float64Array) => spread(values, network.tensors[source]!.shape);
    switch (operator.kind) {
      case 'nonlinearity': {
        if (!given) {
          deferred.set(node.output, source);
          return;
        }
        const { lower, upper } = choices.sector(node.name);
        joint.appendNonlinearity(node, perEntry(given), perEntry(lower), perEntry(upper));
        return;
      }
      case 'max-pool':
      case 'global-max-pool': {
        if (!given) throw new Error(`${node.name}: has no multiplier`);
        const argument = deferred.get(source) ?? source;
        const weights = perEntry(choices.gain(node.name)).map((g, i) => g * g * perEntry(given)[i]!);
        const pooled = pooledDiagonal(weights, windowsOf(network, node));
        const alone = [...lastUse].every(([id, last]) => last <= k || id === node.output || !joint.has(id));
        if (alone) joint.startFromMaximum(node, argument, perEntry(given), pooled);
        else joint.appendMaximum(node, argument, perEntry(given), pooled);
        return;
      }
      default:
        throw new Error(`${node.name}: the oracle has no rule for ${operator.kind}`);
    }
  });
  const covariance = joint.of(network.output);
  return { squared: largestEigenvalue(covariance), covariance };
}

/** One value for all or per channel as one per entry. */
function spread(values: Float64Array, shape: readonly number[]): Float64Array {
  const entries = volume(shape);
  if (values.length === entries) return values;
  const samples = entries / shape[0]!;
  return Float64Array.from(
    { length: entries },
    (_, i) => values[values.length === 1 ? 0 : Math.floor(i / samples)]!,
  );
}

/** The index of the last node that reads a tensor; the output is read after all of them. */
function lastUses(network: Network): Map<number, number> {
  const last = new Map<number, number>();
  network.nodes.forEach((node, k) => {
    for (const id of node.inputs) last.set(id, k);
  });
  return last.set(network.output, network.nodes.length);
}

function windowsOf(network: Network, node: Node): number[][] {
  const [channels, ...window] = network.tensors[node.inputs[0]!]!.shape;
  const samples = volume(window);
  const { operator } = node;
  if (operator.kind === 'max-pool') {
    return maxPoolWindows(operator, [channels!, ...window], network.tensors[node.output]!.shape);
  }
  return Array.from({ length: channels! }, (_, c) =>
    Array.from({ length: samples }, (_, u) => c * samples + u),
  );
}

/** With |Δp_o|² ≤ Σ_{i in window o} (g_i Δy_i)², Σ Δp_o² / e_o ≤ Σ Δy_i² / D_i for e = μ max g² D over the window, μ the
 *  most windows that an entry falls in. */
function pooledDiagonal(weights: Float64Array, windows: readonly (readonly number[])[]): Float64Array {
  const counts = new Map<number, number>();
  for (const index of windows.flat()) counts.set(index, (counts.get(index) ?? 0) + 1);
  const overlap = Math.max(...counts.values());
  return Float64Array.from(windows, (window) => overlap * Math.max(...window.map((i) => weights[i]!)));
}

/** The joint covariance of all tensors so far. */
class Joint {
  private sigma: Dense = zeros(0, 0);
  private readonly starts = new Map<number, { start: number; length: number }>();

  start(tensor: number, covariance: Dense): void {
    this.sigma = covariance;
    this.starts.set(tensor, { start: 0, length: covariance.rows });
  }

  has(tensor: number): boolean {
    return this.starts.has(tensor);
  }

  of(tensor: number): Dense {
    const { start, length } = this.place(tensor);
    return block(this.sigma, start, length, start, length);
  }

  /** y = Σ_k A_k z_k: Σ gains the rows C Σ and the block C Σ Cᵀ. */
  appendLinear(tensor: number, inputs: readonly number[], matrices: readonly SparseMatrix[]): void {
    const rows = matrices[0]!.rows;
    const n = this.sigma.rows;
    const cross = zeros(n, rows);
    const corner = zeros(rows, rows);
    matrices.forEach((a, k) => {
      const { start } = this.place(inputs[k]!);
      for (let e = 0; e < a.value.length; e++) {
        for (let i = 0; i < n; i++) {
          cross.data[i * rows + a.row[e]!]! += this.sigma.data[i * n + start + a.column[e]!]! * a.value[e]!;
        }
      }
    });
    matrices.forEach((a, k) => {
      const { start } = this.place(inputs[k]!);
      for (let e = 0; e < a.value.length; e++) {
        for (let j = 0; j < rows; j++) {
          corner.data[a.row[e]! * rows + j]! += a.value[e]! * cross.data[(start + a.column[e]!) * rows + j]!;
        }
      }
    });
    this.append(tensor, this.sigma, cross, corner);
  }

  /** Σ_zz + Σ_zy R Σ_yz, Σ_zy R D M, M D R D M − αβ D */
  appendNonlinearity(node: Node, d: Float64Array, lower: Float64Array, upper: Float64Array): void {
    const { r, zy, grown } = this.dominate(node.name, node.inputs[0]!, d);
    const middle = d.map((value, i) => (value * (lower[i]! + upper[i]!)) / 2);
    const n = d.length;
    const cross = scaleColumns(zy, middle);
    const corner = zeros(n, n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) corner.data[i * n + j] = middle[i]! * r.data[i * n + j]! * middle[j]!;
      corner.data[i * n + i]! -= lower[i]! * upper[i]! * d[i]!;
    }
    this.append(node.output, grown, cross, corner);
  }

  /** A maximum beside which something lives on: Σ_zz as for a nonlinearity, no correlation, the diagonal `pooled`. */
  appendMaximum(node: Node, source: number, d: Float64Array, pooled: Float64Array): void {
    const { grown } = this.dominate(node.name, source, d);
    this.append(node.output, grown, zeros(grown.rows, pooled.length), diagonal(pooled));
  }

  /** A maximum beside which nothing lives on: D ⪰ S is enough, and nothing else needs to be remembered. */
  startFromMaximum(node: Node, source: number, d: Float64Array, pooled: Float64Array): void {
    this.dominate(
      node.name,
      source,
      d.map((value) => value * (1 + 1e-9)),
    );
    this.starts.clear();
    this.start(node.output, diagonal(pooled));
  }

  /** R = (D − S)⁻¹, Σ_zy R and Σ_zz + Σ_zy R Σ_yz. */
  private dominate(name: string, source: number, d: Float64Array): { r: Dense; zy: Dense; grown: Dense } {
    const { start, length } = this.place(source);
    const gap = this.of(source);
    for (let k = 0; k < gap.data.length; k++) gap.data[k] = -gap.data[k]!;
    for (let i = 0; i < length; i++) gap.data[i * length + i]! += d[i]!;
    const r = inverse(gap);
    if (!r) throw new NotDominated(`${name}: the multiplier must dominate the covariance`);
    const n = this.sigma.rows;
    const across = block(this.sigma, 0, n, start, length);
    const zy = multiply(across, r);
    const growth = multiply(zy, transposed(across));
    return { r, zy, grown: { ...this.sigma, data: this.sigma.data.map((x, k) => x + growth.data[k]!) } };
  }

  private append(tensor: number, old: Dense, cross: Dense, corner: Dense): void {
    const n = old.rows;
    const m = corner.rows;
    const size = n + m;
    const sigma = zeros(size, size);
    for (let i = 0; i < n; i++) {
      sigma.data.set(old.data.subarray(i * n, (i + 1) * n), i * size);
      for (let j = 0; j < m; j++) {
        sigma.data[i * size + n + j] = cross.data[i * m + j]!;
        sigma.data[(n + j) * size + i] = cross.data[i * m + j]!;
      }
    }
    for (let i = 0; i < m; i++) {
      sigma.data.set(corner.data.subarray(i * m, (i + 1) * m), (n + i) * size + n);
    }
    this.sigma = sigma;
    this.starts.set(tensor, { start: n, length: m });
  }

  private place(tensor: number): { start: number; length: number } {
    const place = this.starts.get(tensor);
    if (!place) throw new Error(`denseOracle: tensor ${tensor} is read before it is made`);
    return place;
  }
}

function diagonal(values: Float64Array): Dense {
  const matrix = zeros(values.length, values.length);
  values.forEach((value, i) => {
    matrix.data[i * values.length + i] = value;
  });
  return matrix;
}

function scaleColumns(a: Dense, factors: Float64Array): Dense {
  return { ...a, data: a.data.map((x, k) => x * factors[k % a.columns]!) };
}
