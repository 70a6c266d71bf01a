/** Nodes of trees as the search has them, in files and out of files. */
import { decodeValues, encodeValues } from '../fields.ts';
import type { StoredNode } from './exactFormat.ts';

export type FoundNode =
  | Extract<StoredNode, { kind: 'split' | 'unreachable' | 'flat' }>
  | {
      readonly kind: 'empty';
      readonly units: readonly number[];
      readonly multipliers: Float64Array;
      readonly pieces: Int8Array;
      readonly movable: readonly number[];
      readonly bare: boolean;
    }
  | { readonly kind: 'bounded'; readonly units: readonly number[]; readonly sigma: Float64Array };

export function storedOf(node: FoundNode): StoredNode {
  switch (node.kind) {
    case 'split':
    case 'unreachable':
    case 'flat':
      return node;
    case 'empty': {
      const pieces = Array.from(node.pieces, (piece) => (piece < 0 ? '.' : String(piece))).join('');
      return { ...node, multipliers: encodeValues(node.multipliers), pieces };
    }
    case 'bounded':
      return { ...node, sigma: encodeValues(node.sigma) };
    default:
      throw new Error(`exact: ${node satisfies never}`);
  }
}

/** @throws InputError for numbers that `storedOf` does not write */
export function foundOf(node: StoredNode, where: string): FoundNode {
  switch (node.kind) {
    case 'split':
    case 'unreachable':
    case 'flat':
      return node;
    case 'empty': {
      const pieces = Int8Array.from(node.pieces, (piece) => (piece === '.' ? -1 : Number(piece)));
      return { ...node, multipliers: decodeValues(node.multipliers, `${where}.multipliers`), pieces };
    }
    case 'bounded':
      return { ...node, sigma: decodeValues(node.sigma, `${where}.sigma`) };
    default:
      throw new Error(`exact: ${node satisfies never}`);
  }
}
