/**
 * A network as steps on flat vectors: linear ones, and stages of functions entry by entry, each as early as what it reads allows.
 * max(a, b) = b + relu(a − b), in rounds of pairs; a softmax at the end is left off, which keeps the order of the outputs.
 */

import { type Elementwise, sharingParameters } from '../../network/elementwise/elementwise.ts';
import { entrySources, listedWindows } from '../../network/evaluation/gather.ts';
import { placedGroups } from '../../network/groups/grouped.ts';
import { isLinear } from '../../network/linearOperator.ts';
import { linearMatrix, linearOffset } from '../../network/matrix.ts';
import type { Network, Node } from '../../network/network.ts';
import { prune } from '../../network/prune.ts';
import { withComparators } from '../../network/simplify/comparators.ts';
import { product } from '../../network/size.ts';
import { demand } from '../checker/refusal.ts';
import { type Rows, rowsOf } from './sparse.ts';

/** y = Σ_k W_k x_k + b. */
export interface Linear {
  readonly kind: 'linear';
  readonly name: string;
  readonly output: number;
  readonly terms: readonly { readonly source: number; readonly rows: Rows }[];
  readonly constant?: Float64Array;
  /** What errors of the constant are relative to, where that is not itself. */
  readonly constantSize?: Float64Array;
  /** Relative errors of 2^−53 that weights and constants may have from the way from the file. */
  readonly roundings: number;
}

/** A function of every entry of a tensor. */
export interface Part {
  readonly name: string;
  readonly function: Elementwise;
  /** Entries of one channel. */
  readonly image: number;
  readonly source: number;
  readonly output: number;
  readonly size: number;
}

/** Functions that are met at once. */
export interface Stage {
  readonly kind: 'stage';
  readonly parts: readonly Part[];
}

export interface Graph {
  readonly input: number;
  readonly output: number;
  /** Entries of every tensor. */
  readonly sizes: readonly number[];
  readonly steps: readonly (Linear | Stage)[];
}

/** Entries of a dense matrix, which every linear operator is for a moment. */
const MOST_ENTRIES = 2 ** 27;
/** Weights and constants beyond this are refused. */
const LARGEST_WEIGHT = 2 ** 100;

/** @param scale what the input is multiplied with first, one number or one a channel; null: nothing */
export function graphOf(whole: Network, scale: Float64Array | null): Graph {
  const { tensors, nodes, ...network } = prune(withComparators(whole));
  const sizes: number[] = [];
  const depth: number[] = [];
  const linear: Linear[] = [];
  const parts: Part[] = [];
  const tensor = (size: number, at: number) => {
    depth.push(at);
    return sizes.push(size) - 1;
  };
  const add = (name: string, size: number, terms: Linear['terms'], more: Partial<Linear> = {}) => {
    const output = tensor(size, Math.max(...terms.map(({ source }) => depth[source]!)));
    for (const { rows } of terms) {
      const regular = rows.sizes.every((x) => x < LARGEST_WEIGHT) && rows.values.every(Number.isFinite);
      demand(regular, `${name}: weights beyond 1e30 are not covered`);
    }
    linear.push({ kind: 'linear', name, output, terms, roundings: 0, ...more });
    return output;
  };
  const apply = (name: string, f: Elementwise, image: number, source: number) => {
    const size = sizes[source]!;
    const output = tensor(size, depth[source]! + 1);
    parts.push({ name, function: f, image, source, output, size });
    return output;
  };
  /** Σ_k factors[k] · (entry lists[k][row] of the source); −1: nothing. */
  const picked = (source: number, lists: readonly ArrayLike<number>[], factors: readonly number[]) => ({
    source,
    rows: rowsOf(lists[0]!.length, sizes[source]!, (row, put) => {
      for (const [k, list] of lists.entries()) if (list[row]! >= 0) put(list[row]!, factors[k]!);
    }),
  });
  const counted = (n: number, from = 0) => Array.from({ length: n }, (_, k) => k + from);

  const maxima = (name: string, source: number, windows: readonly (readonly number[])[]): number => {
    const first: number[] = [];
    const second: number[] = [];
    /** Who stays, and which difference is added to them. */
    const stays: number[] = [];
    const plus: number[] = [];
    const rest = windows.map((window) =>
      window.flatMap((a, k) => {
        if (k % 2 === 1) return [];
        const b = window[k + 1];
        plus.push(b === undefined ? -1 : first.push(a) - 1);
        if (b !== undefined) second.push(b);
        return [stays.push(b ?? a) - 1];
      }),
    );
    const kept = add(name, stays.length, [picked(source, [stays], [1])]);
    if (first.length === 0) return kept;
    const difference = add(name, first.length, [picked(source, [first, second], [1, -1])]);
    const gain = apply(name, { name: 'relu' }, first.length, difference);
    const better = [picked(kept, [counted(stays.length)], [1]), picked(gain, [plus], [1])];
    const sum = add(name, stays.length, better);
    return rest.every(({ length }) => length === 1) ? sum : maxima(name, sum, rest);
  };

  const translated = ({ name, operator, inputs, output }: Node, own: readonly number[]): number => {
    const [shape, target] = [tensors[inputs[0]!]!.shape, tensors[output]!.shape];
    const [source, size] = [own[inputs[0]!]!, product(target)];
    if (operator.kind === 'gather' || operator.kind === 'reindex') {
      return add(name, size, [picked(source, [entrySources(operator, shape)], [1])]);
    }
    if (isLinear(operator)) {
      const entries = product(shape) * size;
      demand(entries <= MOST_ENTRIES, `${name}: a matrix of more than 2^27 entries is not covered`);
      const { data, magnitude, columns, roundings = 0 } = linearMatrix(operator, shape);
      const rows = rowsOf(size, columns, (row, put) => {
        for (let c = 0, at = row * columns; c < columns; c++, at++)
          if (data[at] !== 0 || magnitude) put(c, data[at]!, magnitude?.[at]);
      });
      const constant = linearOffset(operator, shape);
      const moduli = operator.kind === 'scale' ? operator.shiftMagnitude : undefined;
      const constantSize = moduli && linearOffset({ ...operator, shift: moduli } as typeof operator, shape);
      const finite = (constantSize ?? constant).every((x) => Math.abs(x) < LARGEST_WEIGHT);
      demand(finite, `${name}: constants beyond 1e30 are not covered`);
      return add(name, size, [{ source, rows }], {
        ...{ constant, roundings },
        ...(constantSize && { constantSize }),
      });
    }
    switch (operator.kind) {
      case 'nonlinearity':
        return apply(name, operator.function, sharingParameters(operator.function, shape), source);
      case 'add': {
        const all = [counted(size)];
        const terms = operator.coefficients.map((c, k) => picked(own[inputs[k]!]!, all, [c]));
        return add(name, size, terms, { roundings: operator.roundings ?? 0 });
      }
      case 'concat': {
        let first = 0;
        const terms = inputs.map((id) => {
          const count = sizes[own[id]!]!;
          const before = first;
          first += count;
          const list = counted(size).map((row) => (row >= before && row < first ? row - before : -1));
          return picked(own[id]!, [list], [1]);
        });
        return add(name, size, terms);
      }
      case 'max-pool':
      case 'max-gather':
      case 'global-max-pool':
        return maxima(
          name,
          source,
          listedWindows(operator, shape, target).map((window) => [...window]),
        );
      case 'grouped':
        demand(
          operator.function.name === 'max',
          `${name}: a function of groups (${operator.function.name}) is not covered`,
        );
        return maxima(
          name,
          source,
          placedGroups(operator, shape).map(({ sources }) => [...sources]),
        );
      case 'softmax': {
        // Of one position, and nothing but reshapes behind it.
        const rest = nodes.slice(nodes.findIndex((node) => node.output === output) + 1);
        const keepsOrder =
          product(target.slice(1)) === 1 && rest.every((node) => node.operator.kind === 'reindex');
        demand(keepsOrder, `${name}: a softmax at several positions, or inside, is not covered`);
        return source;
      }
      default:
        throw new Error(`unknown operator ${operator satisfies never}`);
    }
  };

  const { shape } = tensors[network.input]!;
  const input = tensor(product(shape), 0);
  const own: number[] = [];
  const image = product(shape) / (scale?.length ?? 1);
  own[network.input] = scale
    ? add('scale', sizes[input]!, [
        {
          source: input,
          rows: rowsOf(sizes[input]!, sizes[input]!, (row, put) => put(row, scale[Math.floor(row / image)]!)),
        },
      ])
    : input;
  for (const node of nodes) own[node.output] = translated(node, own);
  const output = own[network.output]!;
  const steps = counted(depth[output]! + 1).flatMap((k): (Linear | Stage)[] => {
    const own = parts.filter(({ source }) => depth[source] === k);
    const before = linear.filter((step) => depth[step.output] === k);
    return own.length > 0 ? [...before, { kind: 'stage', parts: own }] : before;
  });
  return { input, output, sizes, steps };
}
