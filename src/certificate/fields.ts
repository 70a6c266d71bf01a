/** Members of certificates, read before anything vouches for them: each reader accepts exactly what it names. */
import { InputError } from '../errors.ts';

/** Sides, periods, exponents and node numbers are below this in modulus. */
export const MOST = 2 ** 30;

/** Characters of a file: more than what a checker covers in hours. */
export const LARGEST_CERTIFICATE = 2 ** 24;

/** Which network a certificate is of. */
export interface StoredNetwork {
  readonly name: string;
  /** The hash of the network's files (docs/certificate.md). */
  readonly sha256: string;
  /** Shape of the input without the batch axis. */
  readonly input: readonly number[];
  /** Name of the output. */
  readonly output: string;
}

export function readNetwork(value: unknown): StoredNetwork {
  const network = members(value, 'network', ['name', 'sha256', 'input', 'output']);
  return {
    name: text(network.name, 'network.name'),
    sha256: digest(network.sha256, 'network.sha256'),
    input: sides(network.input, 'network.input'),
    output: text(network.output, 'network.output'),
  };
}

/** A SHA-256. */
export function digest(value: unknown, where: string): string {
  const found = text(value, where);
  if (!/^[0-9a-f]{64}$/.test(found)) throw wrong(where, '64 hexadecimal digits', found);
  return found;
}

/** A text of a length that base64 of at most so many whole numbers has. */
export function encoded(value: unknown, where: string, most: number): string {
  const found = text(value, where);
  const count = countOf(found);
  if (!Number.isInteger(count) || found.length !== encodedLength(count))
    throw wrong(where, 'base64 of whole float64 numbers', `${found.length} characters`);
  if (count > most) throw wrong(where, `at most ${most} numbers`, count);
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
export function members(value: unknown, where: string, names: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(where, 'an object', value);
  const missing = names.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) throw wrong(`${where}.${missing}`, 'a member', undefined);
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) throw wrong(where, `the members ${names.join(', ')}`, unknown);
  return value as Record<string, unknown>;
}

export function list(value: unknown, where: string, most: number): unknown[] {
  if (!Array.isArray(value) || value.length > most)
    throw wrong(where, `an array of at most ${most} entries`, value);
  return value;
}

export function sides(value: unknown, where: string): number[] {
  return list(value, where, 4).map((n, k) => integer(n, `${where}[${k}]`, 1));
}

export function integer(value: unknown, where: string, least: number): number {
  if (!(typeof value === 'number' && Number.isInteger(value) && value >= least && value <= MOST)) {
    throw wrong(where, `an integer from ${least} to ${MOST}`, value);
  }
  return value;
}

export function text(value: unknown, where: string): string {
  if (typeof value !== 'string') throw wrong(where, 'a string', value);
  return value;
}

export function wrong(where: string, wanted: string, got: unknown): InputError {
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
