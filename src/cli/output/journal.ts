/** Results that are kept as they come, so that a run that was stopped can go on: one JSON document a line, the first says of what. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { InputError } from '../../errors.ts';
import { readTextFile, reasonOf } from '../../files.node.ts';
import { OutputError } from './terminal.ts';

/** Bytes of a journal at most. */
const LARGEST = 2 ** 29;

export class Journal {
  readonly #path: string;
  readonly #file: FileHandle;
  /** What an earlier run has left, in order. */
  readonly entries: readonly unknown[];

  private constructor(path: string, file: FileHandle, entries: readonly unknown[]) {
    this.#path = path;
    this.#file = file;
    this.entries = entries;
  }

  /**
   * Opens a journal, or begins one. A line that was not finished is taken off.
   * @param heading what the entries depend on
   * @throws InputError where the file is none of this heading; it is left as it is
   */
  static async open(option: string, path: string, heading: object): Promise<Journal> {
    const wrong = (what: string) => new InputError(`${option}: ${path}: ${what}`);
    // Whatever is written goes to the end. Without O_NONBLOCK opening a pipe would wait for its writer.
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | (constants.O_NONBLOCK ?? 0);
    const file = await open(path, flags).catch((error: unknown) => {
      throw wrong(`must be a file that can be written, got an error: ${reasonOf(error)}`);
    });
    try {
      if (!(await file.stat()).isFile()) throw wrong('must be a regular file');
      const text = await readTextFile(path, `${option}: ${path}`, LARGEST);
      const first = `${JSON.stringify(heading)}\n`;
      if (text === '') {
        await file.write(first);
        return new Journal(path, file, []);
      }
      const whole = text.slice(0, text.lastIndexOf('\n') + 1);
      if (!whole.startsWith(first)) {
        // A heading that was not finished is all that a run which ended at once leaves.
        if (whole !== '' || !first.startsWith(text)) throw wrong(differing(whole, heading));
        await file.truncate(0);
        await file.write(first);
        return new Journal(path, file, []);
      }
      const lines = whole.slice(first.length).split('\n').slice(0, -1);
      const entries = lines.map((line, k) => {
        try {
          return JSON.parse(line) as unknown;
        } catch {
          throw wrong(`must be left as it was, line ${k + 2} is no JSON`);
        }
      });
      await file.truncate(Buffer.byteLength(whole));
      return new Journal(path, file, entries);
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
  }

  /** @throws OutputError */
  async add(entries: readonly object[]): Promise<void> {
    try {
      await this.#file.appendFile(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    } catch (error) {
      throw new OutputError(`${this.#path} cannot be written: ${reasonOf(error)}`);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** In what a journal is of another run. */
function differing(text: string, heading: object): string {
  let found: unknown;
  try {
    found = JSON.parse(text.slice(0, text.indexOf('\n')));
  } catch {
    found = undefined;
  }
  const format = Object.keys(heading)[0]!;
  if (typeof found !== 'object' || found === null || !(format in found)) {
    return 'must be a file that an earlier run has left, or a new one, got another file';
  }
  const others = Object.entries(heading).filter(
    ([key, value]) => JSON.stringify((found as Record<string, unknown>)[key]) !== JSON.stringify(value),
  );
  return `must be of the same run, got one that differs in ${others.map(([key]) => key).join(', ')}`;
}
