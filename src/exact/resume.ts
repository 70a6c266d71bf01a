/** Where a search that was stopped goes on: the parts of a record, of which nothing is believed. */
import { InputError } from '../errors.ts';
import type { Refutation } from './empty/refutation.ts';
import type { Form } from './form/form.ts';
import type { Side, TreeLeaf, TreeNode } from './record.ts';
import { copyOf, openState, type State } from './state.ts';

/** What an earlier search has left. */
export interface Beginning {
  readonly tree: readonly TreeNode[];
  /** Where it was steepest. */
  readonly input?: Float64Array | undefined;
}

export interface Part {
  readonly state: State;
  readonly side: Side | undefined;
  readonly leaf: TreeLeaf;
}

/** @throws InputError for what does not split all inputs of this form */
export function* partsOf({ units, kinks, ...form }: Form, tree: readonly TreeNode[]): Generator<Part> {
  const wrong = (why: string) =>
    new InputError(`resume: a tree of splits that together hold all inputs, ${why}`);
  const state = openState({ units, kinks, ...form });
  const way: { readonly side: Side; readonly first: number; readonly last: number }[] = [];
  let isWhole = false;
  for (const node of tree) {
    if (isWhole) throw wrong('got more than these');
    if (node.kind === 'split') {
      const unit = kinks[node.unit];
      if (unit === undefined || !(node.at >= state.first[unit]! && node.at < state.last[unit]!))
        throw wrong(`got a split of unit ${node.unit} at ${node.at}`);
      const split = { unit, at: node.at, of: way.at(-1)?.side };
      way.push({ side: { split, isUpper: false }, first: state.first[unit]!, last: state.last[unit]! });
      state.last[unit] = node.at;
      continue;
    }
    yield { state: copyOf(state), side: way.at(-1)?.side, leaf: node };
    isWhole = true;
    while (way.length > 0) {
      const { side, first, last } = way.pop()!;
      const { unit, at } = side.split;
      state.last[unit] = last;
      state.first[unit] = side.isUpper ? first : at + 1;
      if (side.isUpper) continue;
      way.push({ side: { split: side.split, isUpper: true }, first, last });
      isWhole = false;
      break;
    }
  }
  if (!isWhole) throw wrong('got less than these');
}

/** log D of the units that a leaf has, and those given for the others. @throws InputError for what is no multiplier */
export function logarithmsOf(
  { kinks }: Form,
  { units, sigma }: Extract<TreeLeaf, { kind: 'bounded' }>,
  others: Float64Array,
): Float64Array {
  const logarithms = others.slice();
  for (const [k, number] of units.entries()) {
    const unit = kinks[number];
    if (unit === undefined || !(sigma[k]! > 0 && sigma[k]! < Infinity))
      throw new InputError(
        `resume: multipliers above 0 of units of the network, got ${sigma[k]} of ${number}`,
      );
    logarithms[unit] = 2 * Math.log(sigma[k]!);
  }
  return logarithms;
}

/** @throws InputError for units that there are not */
export function refutationOf({ units, kinks }: Form, leaf: Extract<TreeLeaf, { kind: 'empty' }>): Refutation {
  const unitOf = (number: number) => {
    const unit = kinks[number];
    if (unit === undefined) throw new InputError(`resume: one of ${kinks.length} units, got ${number}`);
    return unit;
  };
  const multipliers = new Float64Array(units.length);
  for (const [k, number] of leaf.units.entries()) multipliers[unitOf(number)] = leaf.multipliers[k] ?? 0;
  const relative = new Int8Array(units.length).fill(-1);
  for (const [k, piece] of leaf.pieces.entries()) {
    const unit = unitOf(k);
    if (piece > units[unit]!.pieces!.breaks.length) throw new InputError(`resume: no piece ${piece}`);
    relative[unit] = piece;
  }
  return { multipliers, relative, movable: leaf.movable.map(unitOf) };
}
