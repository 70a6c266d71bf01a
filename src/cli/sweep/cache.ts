/** The folder of finished work: answers and multipliers by the SHA-256 of file and options. */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InputError } from '../../errors.ts';
import { readRegularFile, readTextFile, reasonOf } from '../../files.node.ts';
import { MOST_BYTES } from '../../formats/given.ts';
import { sourceOf } from '../../formats/source.ts';
import { replace } from '../output/outputFile.ts';
import { OutputError } from '../output/terminal.ts';
import type { Computed } from './compute.ts';
import type { Answer } from './line.ts';
import { type Deciding, keyOf } from './question.ts';

const FORMAT = 'lipsoid sweep, 1';
/** Bytes of an answer at most, margins of 256 outputs included. */
const LARGEST_ENTRY = 2 ** 24;

export interface Entry {
  readonly sha256: string;
  readonly key: string;
  readonly answer: Answer;
  /** SHA-256 of what the network is without its numbers. */
  readonly structure: string;
  /** Whether multipliers are kept beside it. */
  readonly searched: boolean;
}

export class Cache {
  readonly #folder: string;
  readonly #options: Deciding;
  readonly #version: string;

  private constructor(folder: string, options: Deciding, version: string) {
    this.#folder = folder;
    this.#options = options;
    this.#version = version;
  }

  /** @throws InputError where the folder cannot be made */
  static async open(folder: string, options: Deciding, version: string): Promise<Cache> {
    await mkdir(folder, { recursive: true }).catch((error: unknown) => {
      throw new InputError(`--cache: ${folder} must be a folder, got an error: ${reasonOf(error)}`);
    });
    return new Cache(folder, options, version);
  }

  /**
   * The finished work on a file as it is now, with the files beside it that hold its weights; undefined where there is none, or the file cannot
   * be read.
   */
  async lookUp(file: string): Promise<Entry | undefined> {
    const sha256 = await this.#hashOf(file).catch((error: unknown) => {
      if (error instanceof InputError) return undefined;
      throw error;
    });
    return sha256 === undefined
      ? undefined
      : this.#entry(keyOf(sha256, this.#options, this.#version), sha256);
  }

  /** Keeps what was found, whole or not at all; multipliers before what says that they are there. @returns its key @throws OutputError */
  async add(file: string, { sha256, external, answer, structure, searched }: Computed): Promise<string> {
    const key = keyOf(sha256!, this.#options, this.#version);
    if (external) {
      const { sha256: own } = await digestOf(file);
      await this.#write(this.#besidePath(own), external);
    }
    if (searched) await this.#write(this.multipliersPath(key), searched);
    await this.#write(this.#entryPath(key), {
      ...{ format: FORMAT, sha256, key, structure, searched: searched !== undefined },
      answer,
    });
    return key;
  }

  /** Where the multipliers of an entry are, if its searches have found any. */
  multipliersPath(key: string): string {
    return join(this.#folder, key.slice(0, 2), `${key}.multipliers.json`);
  }

  /** `Network.source.sha256`, without reading the network: which files are beside it is known from before. */
  async #hashOf(file: string): Promise<string> {
    const model = await digestOf(file);
    const names = await this.#read(this.#besidePath(model.sha256));
    if (!Array.isArray(names)) return model.sha256;
    const external = new Map<string, Digest>();
    for (const name of names) external.set(String(name), await digestOf(join(dirname(file), String(name))));
    return (await sourceOf(basename(file), model, external)).sha256;
  }

  async #entry(key: string, sha256: string): Promise<Entry | undefined> {
    const found = await this.#read(this.#entryPath(key));
    if (typeof found !== 'object' || found === null) return undefined;
    const { format, structure, answer, searched, ...said } = found as Partial<Entry> & {
      readonly format?: unknown;
    };
    const known = format === FORMAT && said.key === key && said.sha256 === sha256;
    if (!known || typeof structure !== 'string' || typeof answer !== 'object') return undefined;
    return { sha256, key, answer, structure, searched: searched === true };
  }

  #entryPath(key: string): string {
    return join(this.#folder, key.slice(0, 2), `${key}.json`);
  }

  #besidePath(sha256: string): string {
    return join(this.#folder, 'beside', `${sha256}.json`);
  }

  /** Undefined for what is not there or is damaged: it is computed again. */
  async #read(path: string): Promise<unknown> {
    try {
      return JSON.parse(await readTextFile(path, path, LARGEST_ENTRY));
    } catch (error) {
      if (error instanceof InputError || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  async #write(path: string, document: object): Promise<void> {
    try {
      await mkdir(dirname(path), { recursive: true });
      await replace(path, `${JSON.stringify(document)}\n`, undefined);
    } catch (error) {
      throw new OutputError(`--cache: ${path} cannot be written: ${reasonOf(error)}`);
    }
  }
}

interface Digest {
  readonly sha256: string;
  readonly length: number;
}

async function digestOf(path: string): Promise<Digest> {
  const hash = createHash('sha256');
  const bytes = await readRegularFile(path, path, MOST_BYTES, (piece) => void hash.update(piece));
  return { sha256: hash.digest('hex'), length: bytes.length };
}
