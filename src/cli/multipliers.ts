/** Multipliers as files: what a search found, to start another from. */
import { readFile, writeFile } from 'node:fs/promises';
import type { StoredMultipliers } from '../bounds/result.ts';
import { InputError } from '../errors.ts';

/** Nothing that Lipsoid wrote comes near this. */
const LARGEST_FILE = 2 ** 28;

/**
 * @param network SHA-256 of the network that they are for
 * @throws InputError for files that hold something else, or the multipliers of another network
 */
export async function readMultipliers(file: string, network: string | null): Promise<StoredMultipliers> {
  const refuse = (why: string) => new InputError(`multipliers ${file}: ${why}`);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error));
  }
  if (text.length > LARGEST_FILE) throw refuse('larger than any such file');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse('not JSON');
  }
  if (!isStored(value)) throw refuse('not what --save-multipliers writes');
  if (value.network !== network) throw refuse('of another network: the SHA-256 differs');
  return value;
}

export function writeMultipliers(file: string, multipliers: StoredMultipliers): Promise<void> {
  return writeFile(file, `${JSON.stringify(multipliers)}\n`);
}

function isStored(value: unknown): value is StoredMultipliers {
  if (typeof value !== 'object' || value === null) return false;
  const { version, network, path, layers } = value as Partial<Record<keyof StoredMultipliers, unknown>>;
  return (
    version === 1 &&
    (network === null || typeof network === 'string') &&
    (path === 'torus' || path === 'unrolled') &&
    Array.isArray(layers) &&
    layers.every(
      (l: unknown) =>
        typeof l === 'object' &&
        l !== null &&
        'name' in l &&
        typeof l.name === 'string' &&
        'theta' in l &&
        Array.isArray(l.theta) &&
        l.theta.every((t) => typeof t === 'number'),
    )
  );
}
