/** Objects of JSON that strangers wrote, field by field: what is missing, of another kind or not known is refused by name. */
import { InputError } from '../errors.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Objects and lists within each other, of which models have a dozen: whoever walks through them may call itself for each. */
const DEEPEST = 128;
/** In ASCII; those that close stand two behind those that open. */
const [QUOTE, BACKSLASH, BRACKET, BRACE] = [0x22, 0x5c, 0x5b, 0x7b];

/**
 * @param what the text is, for messages
 * @throws InputError
 */
export function parsedJson(bytes: Uint8Array, what: string): Json {
  if (isDeep(bytes)) throw new InputError(`${what}: must be nested at most ${DEEPEST} deep`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Json;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(`${what}: must be JSON in UTF-8, got an error: ${reason.slice(0, 200)}`);
  }
}

function isDeep(bytes: Uint8Array): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (quoted && byte === BACKSLASH) at++;
    else if (byte === QUOTE) quoted = !quoted;
    else if (!quoted && (byte === BRACKET || byte === BRACE)) depth++;
    else if (!quoted && (byte === BRACKET + 2 || byte === BRACE + 2)) depth--;
    if (depth > DEEPEST) return true;
  }
  return false;
}

export function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value as messages quote it. */
export function shown(value: Json | undefined): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 100);
}

export class Fields {
  /** Of the object, for messages. */
  readonly where: string;
  readonly #object: { readonly [key: string]: Json };
  readonly #seen = new Set<string>();

  /** @throws InputError for what is no object */
  constructor(value: Json | undefined, where: string) {
    if (!isObject(value)) throw new InputError(`${where}: must be an object, got ${shown(value)}`);
    this.where = where;
    this.#object = value;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#object, key);
  }

  /** The value as it is; undefined where there is none. */
  raw(key: string): Json | undefined {
    this.#seen.add(key);
    return this.has(key) ? this.#object[key] : undefined;
  }

  /** @throws InputError unless it is text, and one of the choices where there are some */
  text<T extends string>(key: string, choices?: readonly T[]): T {
    const value = this.raw(key);
    const fits = typeof value === 'string' && (!choices || (choices as readonly string[]).includes(value));
    return fits ? (value as T) : this.refuse(key, choices ? `one of ${choices.join(', ')}` : 'text', value);
  }

  /** @throws InputError unless it is a finite number */
  number(key: string): number {
    const value = this.raw(key);
    return typeof value === 'number' && Number.isFinite(value) ? value : this.refuse(key, 'a number', value);
  }

  /** @throws InputError unless it is true or false */
  flag(key: string): boolean {
    const value = this.raw(key);
    return typeof value === 'boolean' ? value : this.refuse(key, 'true or false', value);
  }

  /** A whole number for every axis, or one for all. @throws InputError for others and those below `least` */
  perAxis(key: string, axes: number, least: number): number[] {
    const value = this.raw(key);
    const list = Array.isArray(value) ? value : Array.from({ length: axes }, () => value);
    const fits = list.length === axes && list.every((n) => Number.isSafeInteger(n) && (n as number) >= least);
    return fits
      ? (list as number[])
      : this.refuse(key, `a whole number of at least ${least}, or one for each of ${axes} axes`, value);
  }

  /** @throws InputError unless it is a list of whole numbers of at least 1 */
  shape(key: string): number[] {
    const value = this.raw(key);
    const fits = Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && (n as number) >= 1);
    return fits
      ? (value as unknown as number[])
      : this.refuse(key, 'a list of whole numbers of at least 1', value);
  }

  /** What `read` makes of the field, or what stands for it where it is left out. */
  optional<T>(key: string, absent: T, read: (key: string) => T): T {
    return this.has(key) ? read(key) : absent;
  }

  /** Fields that nobody asked for. */
  unread(): string[] {
    return Object.keys(this.#object).filter((key) => !this.#seen.has(key));
  }

  /** @throws InputError for fields that nobody asked for */
  finish(): void {
    const unknown = this.unread();
    if (unknown.length === 0) return;
    throw new InputError(
      `${this.where}: must have no other fields than ${[...this.#seen].join(', ')}, got ${unknown.join(', ')}`,
    );
  }

  refuse(key: string, rule: string, got: Json | undefined): never {
    throw new InputError(`${this.where}: ${key} must be ${rule}, got ${shown(got)}`);
  }
}
