/**
 * The certificate file (docs/certificate.md): its members, and a reader that accepts exactly them. Nothing here is trusted by
 * the proof; what passes may still be wrong, and the checker finds out.
 */
import { InputError } from '../errors.ts';
import type { Layer } from './checker/plan.ts';
import type { Claim } from './claim.ts';

export const FORMAT = 'lipsoid-certificate';
export const VERSION = 3;

export interface Certificate {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  readonly network: {
    readonly name: string;
    /** The hash of the network's files (docs/certificate.md). */
    readonly sha256: string;
    /** Shape of the input without the batch axis. */
    readonly input: readonly number[];
    /** Name of the output. */
    readonly output: string;
  };
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
/** Characters of a file: more than what the checker covers in hours. */
export const LARGEST_CERTIFICATE = 2 ** 24;
/** Sides, periods, exponents and node numbers are below this in modulus. */
const MOST = 2 ** 30;

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
  const network = members(top.network, 'network', ['name', 'sha256', 'input', 'output']);
  const sha256 = text(network.sha256, 'network.sha256');
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw wrong('network.sha256', '64 hexadecimal digits', sha256);
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
    network: {
      name: text(network.name, 'network.name'),
      sha256,
      input: sides(network.input, 'network.input'),
      output: text(network.output, 'network.output'),
    },
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
    values: encoded(own.values, `${where}.values`),
  };
}

/** A text of a length that base64 of whole numbers has, no longer than any layer's. */
function encoded(value: unknown, where: string): string {
  const found = text(value, where);
  const count = countOf(found);
  if (!Number.isInteger(count) || found.length !== encodedLength(count))
    throw wrong(where, 'base64 of whole float64 numbers', `${found.length} characters`);
  if (count > MOST_VALUES) throw wrong(where, `at most ${MOST_VALUES} numbers`, count);
  return found;
}

/** How many numbers `encodeValues` has written, by the length of the text alone. */
export function countOf(encoded: string): number {
  const padding = encoded.endsWith('==') ? 2 : encoded.endsWith('=') ? 1 : 0;
  return (0.75 * encoded.length - padding) / 8;
}

function encodedLength(count: number): number {
  return 4 * Math.ceil((8 * count) / 3);
}

/** An object with exactly the members `names`, its own. */
function members(value: unknown, where: string, names: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(where, 'an object', value);
  const missing = names.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) throw wrong(`${where}.${missing}`, 'a member', undefined);
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) throw wrong(where, `the members ${names.join(', ')}`, unknown);
  return value as Record<string, unknown>;
}

function list(value: unknown, where: string, most: number): unknown[] {
  if (!Array.isArray(value) || value.length > most)
    throw wrong(where, `an array of at most ${most} entries`, value);
  return value;
}

function sides(value: unknown, where: string): number[] {
  return list(value, where, 4).map((n, k) => integer(n, `${where}[${k}]`, 1));
}

function integer(value: unknown, where: string, least: number): number {
  if (!(typeof value === 'number' && Number.isInteger(value) && value >= least && value <= MOST)) {
    throw wrong(where, `an integer from ${least} to ${MOST}`, value);
  }
  return value;
}

function text(value: unknown, where: string): string {
  if (typeof value !== 'string') throw wrong(where, 'a string', value);
  return value;
}

function wrong(where: string, wanted: string, got: unknown): InputError {
  const shown = got === undefined ? 'nothing' : Array.isArray(got) ? `${got.length} entries` : brief(got);
  return new InputError(`certificate: ${where}: must be ${wanted}, got ${shown}`);
}

function brief(got: unknown): string {
  if (typeof got === 'object' && got !== null) return 'an object';
  const text = String(typeof got === 'string' ? got.slice(0, 60) : got);
  return typeof got === 'string' ? `"${text}"` : text;
}

/** Little-endian float64 in base64. */
export function encodeValues(values: Float64Array): string {
  const view = new DataView(new ArrayBuffer(8 * values.length));
  for (const [k, x] of values.entries()) view.setFloat64(8 * k, x, true);
  let bytes = '';
  for (let k = 0; k < view.byteLength; k++) bytes += String.fromCharCode(view.getUint8(k));
  return btoa(bytes);
}

/** @throws InputError for what `encodeValues` does not write */
export function decodeValues(encoded: string, where: string): Float64Array {
  let bytes: string;
  try {
    bytes = atob(encoded);
  } catch {
    throw new InputError(`certificate: ${where}: must be base64`);
  }
  // atob passes over white space and lets stray bits go.
  if (bytes.length % 8 !== 0 || btoa(bytes) !== encoded) {
    throw new InputError(`certificate: ${where}: must be base64 of whole float64 numbers`);
  }
  const view = new DataView(Uint8Array.from(bytes, (c) => c.charCodeAt(0)).buffer);
  return Float64Array.from({ length: bytes.length / 8 }, (_, k) => view.getFloat64(8 * k, true));
}
