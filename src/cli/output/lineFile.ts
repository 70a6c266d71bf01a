/** Files of one JSON document a line, to which lines are added: what a run that was killed has left of a last one does not count. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { InputError } from '../../errors.ts';
import { readTextFile, reasonOf } from '../../files.node.ts';
import { OutputError } from './terminal.ts';

/** Bytes of such a file at most. */
export const LARGEST_LINES = 2 ** 29;

export class LineFile {
  readonly #path: string;
  readonly #file: FileHandle;
  /** As it was found. */
  readonly text: string;

  private constructor(path: string, file: FileHandle, text: string) {
    this.#path = path;
    this.#file = file;
    this.text = text;
  }

  /** Opens a file, or makes an empty one; nothing in it is changed. @throws InputError where it is no regular file or cannot be written */
  static async open(option: string, path: string): Promise<LineFile> {
    const wrong = (what: string) => new InputError(`${option}: ${path}: ${what}`);
    // Whatever is written goes to the end. Without O_NONBLOCK opening a pipe would wait for its writer.
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | (constants.O_NONBLOCK ?? 0);
    const file = await open(path, flags).catch((error: unknown) => {
      throw wrong(`must be a file that can be written, got an error: ${reasonOf(error)}`);
    });
    try {
      if (!(await file.stat()).isFile()) throw wrong('must be a regular file');
      return new LineFile(path, file, await readTextFile(path, `${option}: ${path}`, LARGEST_LINES));
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
  }

  /** The lines that were found, with their ends and without one that was not finished. */
  get whole(): string {
    return this.text.slice(0, this.text.lastIndexOf('\n') + 1);
  }

  /** Leaves only the beginning of what was found. */
  async keep(beginning: string): Promise<void> {
    await this.#file.truncate(Buffer.byteLength(beginning));
  }

  /** Adds lines, all in one piece: who reads at the same time sees whole ones. @throws OutputError */
  async add(documents: readonly object[]): Promise<void> {
    try {
      await this.#file.appendFile(documents.map((each) => `${JSON.stringify(each)}\n`).join(''));
    } catch (error) {
      throw new OutputError(`${this.#path} cannot be written: ${reasonOf(error)}`);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
