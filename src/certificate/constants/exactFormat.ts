/** The certificate file of an exact constant (docs/certificate.md, "Exact constants"), and a reader that accepts exactly its members. */
import type { FlatRow } from '../exact/flat.ts';
import { encoded, integer, list, members, readNetwork, type StoredNetwork, text, wrong } from '../fields.ts';

export const EXACT_FORMAT = 'lipsoid-exact-certificate';
export const EXACT_VERSION = 1;

/** Arrays are little-endian float64 in base64. */
export interface ExactCertificate {
  readonly format: typeof EXACT_FORMAT;
  readonly version: typeof EXACT_VERSION;
  readonly network: StoredNetwork;
  /** Who found the tree; for people. */
  readonly found: { readonly by: string };
  /** The two outputs whose difference is bounded; null: the whole output is. */
  readonly target: readonly [i: number, j: number] | null;
  readonly domain: StoredDomain;
  readonly claim: ExactClaim;
  /** Where `claim.slope` is attained; null where nothing is claimed but 0. */
  readonly attained: { readonly input: string; readonly direction: string } | null;
  readonly tree: readonly StoredNode[];
}

/** The Lipschitz constant (ℓ2) lies between both. */
export interface ExactClaim {
  readonly slope: number;
  readonly bound: number;
}

/** Where inputs lie: null and null, everywhere. Sides may be infinite. */
export interface StoredDomain {
  readonly box: { readonly low: string; readonly high: string } | null;
  readonly ball: { readonly centre: string; readonly radius: number } | null;
}

/** In preorder. Units are numbered in the order in which they are compared, of those of more than one piece. */
export type StoredNode =
  | { readonly kind: 'split'; readonly unit: number; readonly at: number }
  | { readonly kind: 'unreachable' }
  | {
      readonly kind: 'empty';
      readonly units: readonly number[];
      readonly multipliers: string;
      /** A character for every unit: the piece that its P is relative to, or a point. */
      readonly pieces: string;
      readonly movable: readonly number[];
      readonly bare: boolean;
    }
  | { readonly kind: 'flat'; readonly rows: readonly StoredRow[] }
  | { readonly kind: 'bounded'; readonly units: readonly number[]; readonly sigma: string };

export interface StoredRow extends Omit<FlatRow, 'weight'> {
  /** Hexadecimal. */
  readonly weight: string;
}

const MOST_NODES = 2 ** 20;
/** Units of a form, and entries of an input. */
const MOST_UNITS = 4000;
const MOST_ENTRIES = 2 ** 20;
const SIDES: readonly FlatRow['side'][] = ['inputLow', 'inputHigh', 'unitLow', 'unitHigh'];

/** @throws InputError that says where the value is no such certificate */
export function readExactCertificate(value: unknown): ExactCertificate {
  const top = members(value, 'certificate', [
    'format',
    'version',
    'network',
    'found',
    'target',
    'domain',
    'claim',
    'attained',
    'tree',
  ]);
  if (top.format !== EXACT_FORMAT) throw wrong('format', `"${EXACT_FORMAT}"`, top.format);
  if (top.version !== EXACT_VERSION) throw wrong('version', `${EXACT_VERSION}`, top.version);
  const network = readNetwork(top.network);
  const found = members(top.found, 'found', ['by']);
  const claim = members(top.claim, 'claim', ['slope', 'bound']);
  const attained = top.attained === null ? null : members(top.attained, 'attained', ['input', 'direction']);
  return {
    format: EXACT_FORMAT,
    version: EXACT_VERSION,
    network,
    found: { by: text(found.by, 'found.by') },
    target: targetOf(top.target),
    domain: domainOf(top.domain),
    claim: { slope: fromZero(claim.slope, 'claim.slope'), bound: fromZero(claim.bound, 'claim.bound') },
    attained: attained && {
      input: encoded(attained.input, 'attained.input', MOST_ENTRIES),
      direction: encoded(attained.direction, 'attained.direction', MOST_ENTRIES),
    },
    tree: list(top.tree, 'tree', MOST_NODES).map((node, k) => nodeOf(node, `tree[${k}]`)),
  };
}

function fromZero(value: unknown, where: string): number {
  if (typeof value === 'number' && value >= 0 && value < Infinity) return value;
  throw wrong(where, 'a number from 0 on', value);
}

function targetOf(value: unknown): ExactCertificate['target'] {
  if (value === null) return null;
  const pair = list(value, 'target', 2).map((output, k) => integer(output, `target[${k}]`, 0));
  if (pair.length !== 2) throw wrong('target', 'null or two outputs', value);
  return [pair[0]!, pair[1]!];
}

function domainOf(value: unknown): StoredDomain {
  const domain = members(value, 'domain', ['box', 'ball']);
  const box = domain.box === null ? null : members(domain.box, 'domain.box', ['low', 'high']);
  const ball = domain.ball === null ? null : members(domain.ball, 'domain.ball', ['centre', 'radius']);
  return {
    box: box && {
      low: encoded(box.low, 'domain.box.low', MOST_ENTRIES),
      high: encoded(box.high, 'domain.box.high', MOST_ENTRIES),
    },
    ball: ball && {
      centre: encoded(ball.centre, 'domain.ball.centre', MOST_ENTRIES),
      radius: fromZero(ball.radius, 'domain.ball.radius'),
    },
  };
}

function nodeOf(value: unknown, where: string): StoredNode {
  const kind = (value as { readonly kind?: unknown } | null | undefined)?.kind;
  const own = (...names: string[]) => members(value, where, ['kind', ...names]);
  const units = (of: unknown, name: string) =>
    list(of, `${where}.${name}`, MOST_UNITS).map((unit, k) => integer(unit, `${where}.${name}[${k}]`, 0));
  switch (kind) {
    case 'split': {
      const { unit, at } = own('unit', 'at');
      return { kind, unit: integer(unit, `${where}.unit`, 0), at: integer(at, `${where}.at`, 0) };
    }
    case 'unreachable':
      own();
      return { kind };
    case 'empty': {
      const node = own('units', 'multipliers', 'pieces', 'movable', 'bare');
      if (typeof node.bare !== 'boolean') throw wrong(`${where}.bare`, 'true or false', node.bare);
      const pieces = text(node.pieces, `${where}.pieces`);
      if (pieces.length > MOST_UNITS || !/^[.0-9]*$/.test(pieces))
        throw wrong(`${where}.pieces`, 'points and digits', pieces);
      return {
        ...{ kind, pieces, bare: node.bare },
        units: units(node.units, 'units'),
        multipliers: encoded(node.multipliers, `${where}.multipliers`, MOST_UNITS),
        movable: units(node.movable, 'movable'),
      };
    }
    case 'flat': {
      const rows = list(own('rows').rows, `${where}.rows`, MOST_UNITS);
      return { kind, rows: rows.map((row, k) => rowOf(row, `${where}.rows[${k}]`)) };
    }
    case 'bounded': {
      const node = own('units', 'sigma');
      const sigma = encoded(node.sigma, `${where}.sigma`, MOST_UNITS);
      return { kind, units: units(node.units, 'units'), sigma };
    }
    default:
      throw wrong(`${where}.kind`, 'split, unreachable, empty, flat or bounded', kind);
  }
}

function rowOf(value: unknown, where: string): StoredRow {
  const row = members(value, where, ['side', 'index', 'weight']);
  const side = SIDES.find((one) => one === row.side);
  if (!side) throw wrong(`${where}.side`, SIDES.join(', '), row.side);
  const weight = text(row.weight, `${where}.weight`);
  if (!/^[0-9a-f]{1,2560}$/.test(weight)) throw wrong(`${where}.weight`, 'hexadecimal digits', weight);
  return { side, index: integer(row.index, `${where}.index`, 0), weight };
}
