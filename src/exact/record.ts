/** What a search leaves for those who check it: how the inputs were split, and what closed each part. Units are numbered among the kinks. */
import type { FlatProof } from './empty/flat.ts';
import type { Refutation } from './empty/refutation.ts';
import type { Form } from './form/form.ts';
import { isFixed, type State } from './state.ts';

/** One of the two parts of a split: pieces up to `at` of a unit, or those from there on. */
export interface Side {
  readonly split: Split;
  readonly isUpper: boolean;
}

export interface Split {
  /** Of the form. */
  readonly unit: number;
  readonly at: number;
  /** What is split; undefined: all inputs. */
  readonly of: Side | undefined;
}

/** Why a node has no inputs, or no inside. */
export type Emptiness =
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'empty'; readonly refutation: Refutation; readonly bare: boolean }
  | { readonly kind: 'flat'; readonly proof: FlatProof };

/** In preorder: a split, then what its lower side is split into, then its upper side. */
export type TreeNode = { readonly kind: 'split'; readonly unit: number; readonly at: number } | TreeLeaf;

export type TreeLeaf =
  | { readonly kind: 'unreachable' }
  | {
      readonly kind: 'empty';
      /** With a multiplier that is not 0. */
      readonly units: readonly number[];
      readonly multipliers: Float64Array;
      /** Of every kink: the piece that its P is relative to, or −1. */
      readonly pieces: Int8Array;
      readonly movable: readonly number[];
      /** Whether it is empty for all inputs, not for those of the domain alone. */
      readonly bare: boolean;
    }
  | { readonly kind: 'flat'; readonly rows: readonly FlatRow[] }
  /** √D of all units on more than one piece. */
  | { readonly kind: 'bounded'; readonly units: readonly number[]; readonly sigma: Float64Array };

/** A row of `FlatProof`, as texts and messages hold it. */
export interface FlatRow extends Omit<FlatProof[number], 'weight'> {
  /** Hexadecimal. */
  readonly weight: string;
}

/** Multipliers of a record that is kept: more are no certificate that anybody reads. */
const MOST_NUMBERS = 2 ** 20;
const MOST_LEAVES = 2 ** 18;

/** Leaves in the order in which they were closed. */
export class Leaves {
  readonly #form: Form;
  /** Of every unit. */
  readonly #number: Int32Array;
  #leaves: { readonly side: Side | undefined; readonly leaf: TreeLeaf }[] | undefined = [];
  #numbers = 0;

  constructor(form: Form, other?: Leaves) {
    this.#form = form;
    this.#number = new Int32Array(form.units.length).fill(-1);
    for (const [k, u] of form.kinks.entries()) this.#number[u] = k;
    if (!other) return;
    this.#leaves = other.#leaves?.slice();
    this.#numbers = other.#numbers;
  }

  empty(side: Side | undefined, emptiness: Emptiness): void {
    if (this.#leaves) this.#add(side, this.#leafOf(emptiness));
  }

  /** @param logarithms log D, unit by unit */
  bounded(side: Side | undefined, state: State, logarithms: Float64Array): void {
    if (!this.#leaves) return;
    const units = [...this.#form.kinks].filter((u) => !isFixed(state, u));
    const sigma = Float64Array.from(units, (u) => Math.exp(logarithms[u]! / 2));
    this.#add(side, { kind: 'bounded', units: units.map((u) => this.#number[u]!), sigma });
  }

  /** The tree of all leaves; undefined where there were too many. */
  tree(): TreeNode[] | undefined {
    if (!this.#leaves) return undefined;
    const children = new Map<Split, { lower?: TreeLeaf | Split; upper?: TreeLeaf | Split }>();
    let root: TreeLeaf | Split | undefined;
    for (const { side: own, leaf } of this.#leaves) {
      let child: TreeLeaf | Split = leaf;
      let side = own;
      for (; side; side = side.split.of) {
        const known = children.get(side.split);
        const both = known ?? {};
        both[side.isUpper ? 'upper' : 'lower'] = child;
        if (known) break;
        children.set(side.split, both);
        child = side.split;
      }
      if (!side) root = child;
    }
    const nodes: TreeNode[] = [];
    const waiting = [root];
    while (waiting.length > 0) {
      const node = waiting.pop();
      if (!node) throw new Error('exact: a part has been left out of the record; please report this');
      if ('kind' in node) {
        nodes.push(node);
        continue;
      }
      const { lower, upper } = children.get(node)!;
      nodes.push({ kind: 'split', unit: this.#number[node.unit]!, at: node.at });
      waiting.push(upper, lower);
    }
    return nodes;
  }

  #add(side: Side | undefined, leaf: TreeLeaf): void {
    this.#numbers += 'units' in leaf ? leaf.units.length : 0;
    if (this.#numbers > MOST_NUMBERS || this.#leaves!.length >= MOST_LEAVES) this.#leaves = undefined;
    else this.#leaves!.push({ side, leaf });
  }

  #leafOf(emptiness: Emptiness): TreeLeaf {
    switch (emptiness.kind) {
      case 'unreachable':
        return emptiness;
      case 'flat':
        return {
          kind: 'flat',
          rows: emptiness.proof.map(({ side, index, weight }) => ({
            side,
            index: side === 'unitLow' || side === 'unitHigh' ? this.#number[index]! : index,
            weight: weight.toString(16),
          })),
        };
      case 'empty': {
        const { multipliers, relative, movable } = emptiness.refutation;
        const units = [...this.#form.kinks].filter((u) => multipliers[u] !== 0);
        return {
          kind: 'empty',
          units: units.map((u) => this.#number[u]!),
          multipliers: Float64Array.from(units, (u) => multipliers[u]!),
          pieces: Int8Array.from(this.#form.kinks, (u) => relative[u]!),
          movable: movable.map((u) => this.#number[u]!),
          bare: emptiness.bare,
        };
      }
      default:
        throw new Error(`exact: ${emptiness satisfies never}`);
    }
  }
}
