/**
 * The certificate file (docs/certificate.md): its members, and a reader that accepts exactly them. Nothing here is trusted by
 * the proof; what passes may still be wrong, and the checker finds out.
 */
import type { Layer } from './checker/plan.ts';
import type { Claim } from './claim.ts';
import {
  encoded,
  integer,
  list,
  MOST,
  members,
  readNetwork,
  type StoredNetwork,
  sides,
  text,
  wrong,
} from './fields.ts';

export const FORMAT = 'lipsoid-certificate';
export const VERSION = 3;

export interface Certificate {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  readonly network: StoredNetwork;
  /** Who found the multipliers; for people. */
  readonly found: { readonly by: string; readonly engine: string; readonly method: string };
  readonly unrolledFrom: number | null;
  readonly tori: readonly (readonly number[])[];
  readonly layers: readonly StoredLayer[];
  /** Null: for the input's length. A number κ: for signals of any length, where what nonlinearities read is at most (1 − 1/κ) D. */
  readonly reach: number | null;
  readonly claim: Claim;
}

/** A layer whose values are little-endian float64 in base64. */
export interface StoredLayer extends Omit<Layer, 'values'> {
  readonly values: string;
}

const ROLES: readonly Layer['role'][] = ['nonlinearity', 'window', 'divisor', 'maximum'];
const MOST_LAYERS = 1e5;
const MOST_SEGMENTS = 1e4;
/** Numbers of one layer: as many rows as the checker lets live at once. */
const MOST_VALUES = 4096;

/** @throws InputError that says where the value is no certificate */
export function readCertificate(value: unknown): Certificate {
  const top = members(value, 'certificate', [
    'format',
    'version',
    'network',
    'found',
    'unrolledFrom',
    'tori',
    'layers',
    'reach',
    'claim',
  ]);
  if (top.format !== FORMAT) throw wrong('format', `"${FORMAT}"`, top.format);
  if (top.version !== VERSION) throw wrong('version', `${VERSION}`, top.version);
  const found = members(top.found, 'found', ['by', 'engine', 'method']);
  const claim = members(top.claim, 'claim', ['bound', 'log10']);
  const { bound, log10 } = claim;
  if (bound !== null && !(typeof bound === 'number' && bound >= 0 && bound < Infinity)) {
    throw wrong('claim.bound', 'null or a number from 0 on', bound);
  }
  if (typeof log10 !== 'number' || !Number.isFinite(log10))
    throw wrong('claim.log10', 'a finite number', log10);
  const from = top.unrolledFrom;
  const { reach } = top;
  if (reach !== null && !(typeof reach === 'number' && reach > 1 && reach <= 2 ** 20)) {
    throw wrong('reach', 'null or a number above 1, at most 2^20', reach);
  }
  return {
    format: FORMAT,
    version: VERSION,
    network: readNetwork(top.network),
    found: {
      by: text(found.by, 'found.by'),
      engine: text(found.engine, 'found.engine'),
      method: text(found.method, 'found.method'),
    },
    unrolledFrom: from === null ? null : integer(from, 'unrolledFrom', 0),
    tori: list(top.tori, 'tori', MOST_SEGMENTS).map((t, k) => sides(t, `tori[${k}]`)),
    layers: list(top.layers, 'layers', MOST_LAYERS).map((l, k) => layer(l, `layers[${k}]`)),
    reach: reach as number | null,
    claim: { bound: bound as number | null, log10 },
  };
}

function layer(value: unknown, where: string): StoredLayer {
  const own = members(value, where, ['name', 'role', 'period', 'exponent', 'values']);
  const role = ROLES.find((r) => r === own.role);
  if (!role) throw wrong(`${where}.role`, ROLES.join(', '), own.role);
  return {
    name: text(own.name, `${where}.name`),
    role,
    period: sides(own.period, `${where}.period`),
    exponent: integer(own.exponent, `${where}.exponent`, -MOST),
    values: encoded(own.values, `${where}.values`, MOST_VALUES),
  };
}
