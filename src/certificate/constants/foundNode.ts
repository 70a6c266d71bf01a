/** Nodes of trees as the search has them, in files and out of files. */
import type { TreeNode } from '../exact/check.ts';
import { decodeValues, encodeValues } from '../fields.ts';
import type { StoredNode, StoredRow } from './exactFormat.ts';

export type FoundNode =
  | Exclude<TreeNode, { kind: 'flat' }>
  | { readonly kind: 'flat'; readonly rows: readonly StoredRow[] };

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
