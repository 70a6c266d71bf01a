/** Files that a command writes: checked before the work starts, written whole or not at all. */
import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import {
  access,
  chmod,
  type FileHandle,
  lstat,
  open,
  realpath,
  rename,
  stat,
  unlink,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isatty } from 'node:tty';
import { InputError } from '../../errors.ts';
import { reasonOf } from '../../files.node.ts';
import type { Network } from '../../network/network.ts';
import { OutputError, ownStream, writeAll } from './terminal.ts';

/** An option that names a file. */
export interface Named {
  readonly option: string;
  readonly path: string;
  /** The option whose file this one may replace: it has been read by then. */
  readonly mayReplace?: string;
}

/** Where the bytes go: a new file that takes the place of `path`, or something that is open already. */
type Place =
  | { readonly path: string; readonly mode?: number }
  | { readonly descriptor: number; readonly close: () => Promise<void> };

export class OutputFile {
  readonly #named: Named;
  readonly #place: Place;

  private constructor(named: Named, place: Place) {
    this.#named = named;
    this.#place = place;
  }

  /**
   * Looks whether the files can be written, all before any. Devices and pipes are opened, and stay open.
   * @param inputs files that are read, and must not be written over
   * @param taken stdout is for something else alone
   * @throws InputError
   */
  static async openAll(
    outputs: readonly Named[],
    inputs: readonly Named[],
    taken: boolean,
  ): Promise<OutputFile[]> {
    const known = new Map<string, Named>();
    for (const input of inputs) {
      const identity = await identityOf(input.path).catch(() => undefined);
      if (identity) known.set(identity, input);
    }
    const files: OutputFile[] = [];
    try {
      for (const output of outputs) {
        const wrong = (what: string) => new InputError(`${output.option}: ${output.path}: ${what}`);
        const status = await lookedUp(output.path).catch((error) => {
          throw wrong(`must be a file that can be written, got an error: ${reasonOf(error)}`);
        });
        if (status === 'dangling') throw wrong('must be a file, got a link that leads nowhere');
        const shared = status === undefined || status.isFile();
        const identity = shared ? await identityOf(output.path).catch(() => undefined) : undefined;
        const other = identity === undefined ? undefined : known.get(identity);
        if (other && other.option !== output.mayReplace) {
          throw wrong(`must be a file of its own, got that of ${other.option}`);
        }
        if (identity) known.set(identity, output);
        const place = await placeFor(output.path, status, taken).catch((error) => {
          throw wrong(`must be a file that can be written, got an error: ${reasonOf(error)}`);
        });
        files.push(new OutputFile(output, place));
      }
      return files;
    } catch (error) {
      await Promise.all(files.map((file) => file.close()));
      throw error;
    }
  }

  /**
   * Looks at files that are known to be read only now.
   * @throws InputError where one of them would be written over
   */
  static async keepApart(outputs: readonly OutputFile[], inputs: readonly Named[]): Promise<void> {
    if (outputs.length === 0) return;
    const read = new Map<string, Named>();
    for (const input of inputs) {
      const identity = await identityOf(input.path).catch(() => undefined);
      if (identity) read.set(identity, input);
    }
    for (const output of outputs) {
      const { option, path } = output.#named;
      const other = read.get(await identityOf(path).catch(() => ''));
      if (other) throw new InputError(`${option}: ${path}: must be a file of its own, got ${other.option}`);
    }
  }

  /** @throws OutputError; a file that was there before is then as it was */
  async write(text: string | Uint8Array): Promise<void> {
    const { option, path } = this.#named;
    try {
      if ('descriptor' in this.#place) writeAll(this.#place.descriptor, text);
      else await replace(this.#place.path, text, this.#place.mode);
    } catch (error) {
      throw new OutputError(`${option}: ${path} cannot be written: ${reasonOf(error)}`);
    }
  }

  async close(): Promise<void> {
    if ('close' in this.#place) await this.#place.close();
  }
}

/** The files beside a model that its weights come from. */
export function externalFiles(file: string, { source }: Network): Named[] {
  const folder = dirname(file);
  return (source?.external ?? []).map((name) => ({
    option: `the weights of ${file}`,
    path: join(folder, name),
  }));
}

async function lookedUp(path: string): Promise<Stats | 'dangling' | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return (await lstat(path).catch(() => undefined)) ? 'dangling' : undefined;
  }
}

/** The same for two names of one file; of a file that is not there yet, its folder and name. */
async function identityOf(path: string): Promise<string> {
  try {
    const { dev, ino } = await stat(path);
    return `${dev}:${ino}`;
  } catch {
    return join(await realpath(dirname(resolve(path))), basename(path));
  }
}

async function placeFor(path: string, status: Stats | undefined, taken: boolean): Promise<Place> {
  if (status?.isDirectory() || /[/\\]$/.test(path) || path === '') throw new Error('it is a folder');
  const own = status && ownStream(status);
  if (own !== undefined) {
    // Of /dev/null there is enough for everybody.
    const shared = status!.isCharacterDevice() && !isatty(own);
    if (taken && own === 1 && !shared) throw new Error('stdout holds the JSON document');
    return { descriptor: own, close: async () => {} };
  }
  if (status && !status.isFile()) {
    // Without O_NONBLOCK opening a pipe would wait for its reader.
    const handle: FileHandle = await open(path, constants.O_WRONLY | (constants.O_NONBLOCK ?? 0));
    return { descriptor: handle.fd, close: () => handle.close() };
  }
  if (status) await access(path, constants.W_OK);
  const target = status ? await realpath(path) : join(await realpath(dirname(resolve(path))), basename(path));
  const probe = besides(target);
  await (await open(probe, 'wx')).close();
  await unlink(probe);
  return { path: target, ...(status ? { mode: status.mode & 0o7777 } : {}) };
}

/** A name in the folder of a file that nobody else uses. */
export function besides(path: string): string {
  return join(dirname(path), `.lipsoid-${randomBytes(8).toString('hex')}`);
}

/** Readers see the old file or the whole new one, whenever they look. */
export async function replace(
  path: string,
  text: string | Uint8Array,
  mode: number | undefined,
): Promise<void> {
  const temporary = besides(path);
  const file = await open(temporary, 'wx');
  try {
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    if (mode !== undefined) await chmod(temporary, mode);
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
}
