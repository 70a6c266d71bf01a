/** The file of a sweep: one line for each network and set of options. */
import { InputError } from '../../errors.ts';
import { LineFile } from '../output/lineFile.ts';
import { type Answer, isSweepLine, type SweepLine } from './line.ts';
import type { Deciding } from './question.ts';

export class SweepLines {
  readonly #file: LineFile;
  readonly #all: { readonly options: Deciding; readonly version: string };
  /** The last line of each file with these options. */
  readonly #last = new Map<string, SweepLine>();

  private constructor(file: LineFile, all: { readonly options: Deciding; readonly version: string }) {
    this.#file = file;
    this.#all = all;
  }

  /**
   * Opens the file, or begins it. A line that was not finished is taken off.
   * @param all what all lines have in common that will be added
   * @throws InputError where it holds anything else; it is left as it is
   */
  static async open(
    option: string,
    path: string,
    all: { readonly options: Deciding; readonly version: string },
  ): Promise<SweepLines> {
    const file = await LineFile.open(option, path);
    try {
      const lines = new SweepLines(file, all);
      const asked = JSON.stringify([all.options, all.version]);
      for (const line of parsedLines(file.whole, `${option}: ${path}`)) {
        if (JSON.stringify([line.options, line.version]) === asked) lines.#last.set(line.file, line);
      }
      // What a run that was killed has left begins as its lines do.
      const rest = file.text.slice(file.whole.length);
      if (!(rest.startsWith(BEGINNING) || BEGINNING.startsWith(rest))) {
        throw new InputError(`${option}: ${path}: must be a file of a sweep, or a new one, got another file`);
      }
      if (rest !== '') await file.keep(file.whole);
      return lines;
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
  }

  /** What is said of a file, if anything is. */
  of(file: string): SweepLine | undefined {
    return this.#last.get(file);
  }

  /** Adds a line, unless the last one of that file says it already. @throws OutputError */
  async add({
    answer,
    ...of
  }: Pick<SweepLine, 'file' | 'sha256' | 'key'> & { readonly answer: Answer }): Promise<void> {
    const { file, sha256, key } = of;
    const line: SweepLine = { file, sha256, key, ...this.#all, ...answer };
    const last = this.#last.get(file);
    if (last && (key === null ? JSON.stringify(last) === JSON.stringify(line) : last.key === key)) return;
    await this.#file.add([line]);
    this.#last.set(file, line);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

const BEGINNING = '{"file":';

/** @param what the lines are from, for messages. @throws InputError where they are none of a sweep */
export function parsedLines(text: string, what: string): SweepLine[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line, k) => {
      let document: unknown;
      try {
        document = JSON.parse(line);
      } catch {
        document = undefined;
      }
      if (!isSweepLine(document))
        throw new InputError(`${what}: must be lines of a sweep, got another in line ${k + 1}`);
      return document;
    });
}
