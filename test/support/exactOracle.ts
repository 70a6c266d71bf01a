/**
 * The covariance recursion in numbers that do not round: what the real-arithmetic network with these weights and these multipliers
 * comes to. The same rules as `denseOracle`, tensors dropped after their last use.
 */
import type { Network } from '../../src/network/network.ts';
import type { OracleChoices } from './denseOracle.ts';
import {
  block,
  diagonal,
  difference,
  type FixedMatrix,
  fixed,
  identity,
  inverse,
  product,
  times,
  transpose,
  zeros,
} from './fixedPoint.ts';
import { volume } from './grid.ts';
import { linearNode } from './linearNode.ts';

interface Part {
  readonly tensor: number;
  readonly start: number;
  readonly length: number;
}

/** Σ_out; undefined where a multiplier does not dominate. Affine, convolution-like, sum and nonlinear nodes, no pooling. */
export function exactOracle(network: Network, choices: OracleChoices): FixedMatrix | undefined {
  const size = (id: number) => volume(network.tensors[id]!.shape);
  const last = new Map<number, number>();
  network.nodes.forEach((node, k) => {
    for (const id of node.inputs) last.set(id, k);
  });
  last.set(network.output, network.nodes.length);
  let parts: Part[] = [{ tensor: network.input, start: 0, length: size(network.input) }];
  let sigma = identity(size(network.input));
  const partOf = (tensor: number) => parts.find((part) => part.tensor === tensor)!;

  for (const [k, node] of network.nodes.entries()) {
    const linear = linearNode(network, node);
    if (linear) {
      const rows = size(node.output);
      const map = zeros(rows, sigma.rows);
      linear.matrices.forEach(({ row, column, value }, input) => {
        const { start } = partOf(node.inputs[input]!);
        value.forEach((v, e) => {
          map.data[row[e]! * map.columns + start + column[e]!]! += fixed(v);
        });
      });
      sigma = extended(sigma, map);
    } else if (node.operator.kind === 'nonlinearity') {
      const shape = network.tensors[node.inputs[0]!]!.shape;
      const perEntry = (values: Float64Array) => spread(values, shape);
      const { lower, upper } = choices.sector(node.name);
      const multiplier = choices.multiplier(node.name);
      if (!multiplier) throw new Error(`${node.name}: has no multiplier`);
      const after = throughSector(
        sigma,
        partOf(node.inputs[0]!),
        perEntry(multiplier),
        perEntry(lower),
        perEntry(upper),
      );
      if (!after) return undefined;
      sigma = after;
    } else {
      throw new Error(`${node.name}: the exact oracle has no rule for ${node.operator.kind}`);
    }
    const made: Part = {
      tensor: node.output,
      start: sigma.rows - size(node.output),
      length: size(node.output),
    };
    [sigma, parts] = kept(
      sigma,
      [...parts, made].filter(({ tensor }) => last.get(tensor)! > k),
    );
  }
  return sigma;
}

function spread(values: Float64Array, shape: readonly number[]): bigint[] {
  const entries = volume(shape);
  const samples = values.length === entries ? 1 : entries / shape[0]!;
  return Array.from({ length: entries }, (_, i) =>
    fixed(values[values.length === 1 ? 0 : Math.floor(i / samples)]!),
  );
}

/** [I; C] Σ [I; C]ᵀ */
function extended(sigma: FixedMatrix, map: FixedMatrix): FixedMatrix {
  const cross = product(map, sigma);
  return joined(sigma, cross, product(cross, transpose(map)));
}

/** Σ_zz + Σ_zy R Σ_yz, Σ_zy R D M, M D R D M − αβ D */
function throughSector(
  sigma: FixedMatrix,
  { start, length }: Part,
  d: readonly bigint[],
  lower: readonly bigint[],
  upper: readonly bigint[],
): FixedMatrix | undefined {
  const r = inverse(difference(diagonal(d), block(sigma, start, length, start, length)));
  if (!r) return undefined;
  const n = sigma.rows;
  const across = block(sigma, 0, n, start, length);
  const through = product(across, r);
  const growth = product(through, transpose(across));
  const left = d.map((value, i) => times(value, lower[i]! + upper[i]!) / 2n);
  const cross = zeros(length, n);
  const corner = zeros(length, length);
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < n; j++) cross.data[i * n + j] = times(through.data[j * length + i]!, left[i]!);
    for (let j = 0; j < length; j++) {
      corner.data[i * length + j] = times(times(left[i]!, r.data[i * length + j]!), left[j]!);
    }
    corner.data[i * length + i]! -= times(times(lower[i]!, upper[i]!), d[i]!);
  }
  return joined({ ...sigma, data: sigma.data.map((value, k) => value + growth.data[k]!) }, cross, corner);
}

/** [[a, bᵀ], [b, c]] */
function joined(a: FixedMatrix, b: FixedMatrix, c: FixedMatrix): FixedMatrix {
  const n = a.rows;
  const out = zeros(n + c.rows, n + c.rows);
  const put = (i: number, j: number, value: bigint) => {
    out.data[i * out.columns + j] = value;
  };
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) put(i, j, a.data[i * n + j]!);
  for (let i = 0; i < c.rows; i++) {
    for (let j = 0; j < n; j++) {
      put(n + i, j, b.data[i * n + j]!);
      put(j, n + i, b.data[i * n + j]!);
    }
    for (let j = 0; j < c.rows; j++) put(n + i, n + j, c.data[i * c.rows + j]!);
  }
  return out;
}

/** The rows and columns of some parts. */
function kept(sigma: FixedMatrix, parts: readonly Part[]): [FixedMatrix, Part[]] {
  const rows = parts.flatMap(({ start, length }) => Array.from({ length }, (_, i) => start + i));
  const out = zeros(rows.length, rows.length);
  rows.forEach((row, i) => {
    rows.forEach((column, j) => {
      out.data[i * rows.length + j] = sigma.data[row * sigma.columns + column]!;
    });
  });
  let start = 0;
  const moved = parts.map((part) => {
    const next = { ...part, start };
    start += part.length;
    return next;
  });
  return [out, moved];
}
