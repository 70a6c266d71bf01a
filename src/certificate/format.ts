/**
 * The certificate file (docs/certificate.md): its members, and a reader that accepts exactly them. Nothing here is trusted by
 * the proof; what passes may still be wrong, and the checker finds out.
 */
import { NORMS, type NormPair } from '../network/norms/norm.ts';
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
  /** Absent: from ℓ2 to ℓ2, without weights. */
  readonly norms?: StoredNorms;
  /** Absent where no margins are claimed. */
  readonly margins?: StoredMargins;
}

/** What the claim is in: weights of the input's entries are little-endian float64 in base64; null: 1 for all. */
export interface StoredNorms extends NormPair {
  readonly weights: string | null;
}

/** Bounds of all differences of two outputs, and multipliers that prove some of them better than those of the bound do. */
export interface StoredMargins {
  readonly sets: readonly Pick<Certificate, 'unrolledFrom' | 'tori' | 'layers'>[];
  /** Of output i minus output j for every i > j, in the order of i, then of j. */
  readonly bounds: readonly number[];
}

/** A layer whose values are little-endian float64 in base64. */
export interface StoredLayer extends Omit<Layer, 'values'> {
  readonly values: string;
}

const ROLES: readonly Layer['role'][] = ['nonlinearity', 'window', 'divisor', 'maximum'];
const MOST_LAYERS = 1e5;
const MOST_SEGMENTS = 1e4;
/** Differences of 256 outputs. */
const MOST_PAIRS = (256 * 255) / 2;
/** Numbers of one layer: as many rows as the checker lets live at once. */
const MOST_VALUES = 4096;
/** Entries of an input. */
const MOST_WEIGHTS = 2 ** 20;

/** @throws InputError that says where the value is no certificate */
export function readCertificate(value: unknown): Certificate {
  const has = (name: string) => typeof value === 'object' && value !== null && Object.hasOwn(value, name);
  const optional = ['norms', 'margins'].filter(has);
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
    ...optional,
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
    ...multipliers(top, ''),
    reach: reach as number | null,
    claim: { bound: bound as number | null, log10 },
    ...(has('norms') ? { norms: normsOf(top.norms) } : {}),
    ...(has('margins') ? { margins: marginsOf(top.margins) } : {}),
  };
}

/** @param where in front of the members' names */
function multipliers({ unrolledFrom: from, tori, layers }: Record<string, unknown>, where: string) {
  return {
    unrolledFrom: from === null ? null : integer(from, `${where}unrolledFrom`, 0),
    tori: list(tori, `${where}tori`, MOST_SEGMENTS).map((t, k) => sides(t, `${where}tori[${k}]`)),
    layers: list(layers, `${where}layers`, MOST_LAYERS).map((l, k) => layer(l, `${where}layers[${k}]`)),
  };
}

function normsOf(value: unknown): StoredNorms {
  const own = members(value, 'norms', ['input', 'output', 'weights']);
  const norm = (name: 'input' | 'output') => {
    const found = NORMS.find((one) => one === own[name]);
    if (!found) throw wrong(`norms.${name}`, NORMS.join(', '), own[name]);
    return found;
  };
  const weights = own.weights === null ? null : encoded(own.weights, 'norms.weights', MOST_WEIGHTS);
  return { input: norm('input'), output: norm('output'), weights };
}

function marginsOf(value: unknown): StoredMargins {
  const { sets, bounds } = members(value, 'margins', ['sets', 'bounds']);
  return {
    sets: list(sets, 'margins.sets', MOST_PAIRS).map((set, k) => {
      const where = `margins.sets[${k}]`;
      return multipliers(members(set, where, ['unrolledFrom', 'tori', 'layers']), `${where}.`);
    }),
    bounds: list(bounds, 'margins.bounds', MOST_PAIRS).map((bound, k) => {
      if (typeof bound === 'number' && bound >= 0 && bound < Infinity) return bound;
      throw wrong(`margins.bounds[${k}]`, 'a number from 0 on', bound);
    }),
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
