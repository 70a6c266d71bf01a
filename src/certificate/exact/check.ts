/**
 * The checker of exact constants: a tree of splits that together hold all inputs, and a proof for each part that is left. It trusts the reading of
 * the network as units (src/exact/form) and IEEE arithmetic; it shares nothing with the search. The proof is in docs/certificate.md, "Exact
 * constants".
 */
import type { Form } from '../../exact/form/form.ts';
import { U } from '../checker/numbers.ts';
import { demand } from '../checker/refusal.ts';
import { isBounded } from './bounded.ts';
import { isEmpty } from './empty.ts';
import { type FlatRow, isFlat } from './flat.ts';
import { narrowed } from './ranges.ts';
import { type Domain, type Part, type Units, unitsOf } from './rows.ts';
import { isInside, slopeAt } from './slope.ts';

/** Where inputs lie; null: everywhere. */
export interface Place {
  readonly box: { readonly low: Float64Array; readonly high: Float64Array } | null;
  readonly ball: { readonly centre: Float64Array; readonly radius: number } | null;
}

/** In preorder: a split, then what its lower side is split into, then its upper side. Units are numbered among those of more than one piece. */
export type TreeNode =
  /** Pieces up to `at`, and those from there on. */
  | { readonly kind: 'split'; readonly unit: number; readonly at: number }
  /** No argument can be where the pieces want it. */
  | { readonly kind: 'unreachable' }
  | ({ readonly kind: 'empty' } & EmptyLeaf)
  | { readonly kind: 'flat'; readonly rows: readonly FlatRow[] }
  /** σ of the units named, which must be all that are on more than one piece. */
  | { readonly kind: 'bounded'; readonly units: readonly number[]; readonly sigma: Float64Array };

export interface EmptyLeaf {
  /** With a μ; it is 0 for others. */
  readonly units: readonly number[];
  readonly multipliers: Float64Array;
  /** Of every unit of more than one piece: the piece that its P is relative to, or −1. */
  readonly pieces: Int8Array;
  readonly movable: readonly number[];
  readonly bare: boolean;
}

/** Where a slope is attained. */
export interface Attained {
  readonly input: Float64Array;
  readonly direction: Float64Array;
}

/**
 * Whether no two inputs are farther apart behind the network than `bound` times their distance.
 * @param pause awaited between parts; what it throws passes through
 * @throws Refusal with the reason where that is not proven
 */
export async function checkTree(
  form: Form,
  place: Place,
  bound: number,
  nodes: Iterable<TreeNode>,
  pause: () => Promise<void>,
): Promise<void> {
  const units = unitsOf(form);
  const domain = domainOf(units.inputs, place);
  demand(bound >= 0 && bound < Infinity, `bound: a number from 0 on, got ${bound}`);
  const part: Part = {
    first: new Uint8Array(units.pieces.length),
    last: Uint8Array.from(units.pieces, (own) => own?.breaks.length ?? 0),
  };
  const way: Turn[] = [];
  let [count, isWhole] = [0, false];
  for (const node of nodes) {
    await pause();
    demand(!isWhole, `tree: ${count} nodes are all, and there are more`);
    const where = `tree: node ${count++}`;
    if (node.kind === 'split') {
      const unit = kinkAt(units, node.unit, where);
      const splits = Number.isInteger(node.at) && node.at >= part.first[unit]! && node.at < part.last[unit]!;
      demand(
        splits,
        `${where}: splits nothing, pieces ${part.first[unit]} to ${part.last[unit]} at ${node.at}`,
      );
      way.push({ unit, at: node.at, first: part.first[unit]!, last: part.last[unit]!, isUpper: false });
      part.last[unit] = node.at;
      continue;
    }
    demandLeaf(units, domain, part, bound, node, where);
    isWhole = !turn(part, way);
  }
  demand(isWhole, `tree: ends after ${count} nodes, and some part has none`);
}

/** A split on the way to the part at hand, and the pieces that there were before it. */
interface Turn {
  readonly unit: number;
  readonly at: number;
  readonly first: number;
  readonly last: number;
  isUpper: boolean;
}

/** On to the next side that has not been gone through; false where there is none. */
function turn({ first, last }: Part, way: Turn[]): boolean {
  for (let split = way.at(-1); split; split = way.at(-1)) {
    last[split.unit] = split.last;
    if (!split.isUpper) {
      split.isUpper = true;
      first[split.unit] = split.at + 1;
      return true;
    }
    first[split.unit] = split.first;
    way.pop();
  }
  return false;
}

function demandLeaf(
  units: Units,
  domain: Domain,
  whole: Part,
  bound: number,
  node: Exclude<TreeNode, { kind: 'split' }>,
  where: string,
): void {
  const part = { first: whole.first.slice(), last: whole.last.slice() };
  const ranges = narrowed(units, domain, part);
  // What is not there needs no other proof.
  if (!ranges) return;
  switch (node.kind) {
    case 'unreachable':
      demand(false, `${where}: its arguments can be reached`);
      break;
    case 'empty': {
      const proof = {
        multipliers: spread(units, node.units, node.multipliers, where),
        pieces: piecesOf(units, node.pieces, where),
        movable: node.movable.map((k) => kinkAt(units, k, where)),
        bare: node.bare,
      };
      demand(new Set(proof.movable).size === proof.movable.length, `${where}: moves one multiplier twice`);
      demand(isEmpty(units, domain, part, ranges, proof), `${where}: its multipliers do not prove it empty`);
      break;
    }
    case 'flat': {
      const rows = node.rows.map((row) => ({ ...row, index: indexOf(units, row, where) }));
      demand(isFlat(units, domain, part, rows), `${where}: its weights do not prove it flat`);
      break;
    }
    case 'bounded': {
      const sigma = spread(units, node.units, node.sigma, where);
      demand(isBounded(units, part, sigma, bound), `${where}: its multipliers do not prove ${bound}`);
      break;
    }
    default:
      throw new Error(`exact: ${node satisfies never}`);
  }
}

/** The unit of a number in a certificate. */
function kinkAt({ kinks }: Units, k: number, where: string): number {
  demand(Number.isInteger(k) && k >= 0 && k < kinks.length, `${where}: a unit of ${kinks.length}, got ${k}`);
  return kinks[k]!;
}

function indexOf(units: Units, { side, index }: FlatRow, where: string): number {
  if (side === 'unitLow' || side === 'unitHigh') return kinkAt(units, index, where);
  const { inputs } = units;
  demand(
    Number.isInteger(index) && index >= 0 && index < inputs,
    `${where}: an input of ${inputs}, got ${index}`,
  );
  return index;
}

/** Numbers of some units as those of all, 0 for the others. */
function spread(units: Units, named: readonly number[], values: Float64Array, where: string): Float64Array {
  demand(named.length === values.length, `${where}: ${named.length} units, but ${values.length} numbers`);
  demand(values.every(Number.isFinite), `${where}: numbers must be finite`);
  const all = new Float64Array(units.pieces.length);
  for (const [k, unit] of named.entries()) all[kinkAt(units, unit, where)] = values[k]!;
  return all;
}

function piecesOf({ pieces, kinks }: Units, named: Int8Array, where: string): Int8Array {
  demand(
    named.length === kinks.length,
    `${where}: pieces of ${kinks.length} units wanted, got ${named.length}`,
  );
  const all = new Int8Array(pieces.length).fill(-1);
  for (const [k, u] of kinks.entries()) {
    demand(named[k]! >= -1 && named[k]! <= pieces[u]!.breaks.length, `${where}: no piece ${named[k]}`);
    all[u] = named[k]!;
  }
  return all;
}

/**
 * Not above the slope that the network has somewhere inside of its domain.
 * @throws Refusal where the point is not inside
 */
export function attainedSlope(form: Form, place: Place, { input, direction }: Attained): number {
  const units = unitsOf(form);
  const domain = domainOf(units.inputs, place);
  const fits = (values: Float64Array) => values.length === units.inputs && values.every(Number.isFinite);
  demand(fits(input) && fits(direction), `attained: ${units.inputs} finite numbers each wanted`);
  demand(isInside(domain, input), 'attained: its point is not inside of the domain');
  return slopeAt(units, input, direction);
}

/** Sides that hold all inputs. */
function domainOf(inputs: number, { box, ball }: Place): Domain {
  const all = (side: number) => new Float64Array(inputs).fill(side);
  const { low, high } = box ?? { low: all(-Infinity), high: all(Infinity) };
  demand(low.length === inputs && high.length === inputs, `box: ${inputs} sides each way wanted`);
  const isBox = low.every((side, n) => side < high[n]! && side < Infinity && high[n]! > -Infinity);
  demand(isBox, 'box: must have an inside');
  if (!ball) return { low, high };
  const { centre, radius } = ball;
  demand(centre.length === inputs && centre.every(Number.isFinite), `ball: ${inputs} finite numbers wanted`);
  demand(radius > 0 && radius < Infinity, `ball: a radius above 0 wanted, got ${radius}`);
  const beyond = (x: number) => radius + 8 * U * (Math.abs(x) + radius);
  return {
    low: low.map((side, n) => Math.max(side, centre[n]! - beyond(centre[n]!))),
    high: high.map((side, n) => Math.min(side, centre[n]! + beyond(centre[n]!))),
    ball,
  };
}
