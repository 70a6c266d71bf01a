/** Results that are kept as they come, so that a run that was stopped can go on: one JSON document a line, the first says of what. */
import { InputError } from '../../errors.ts';
import { LineFile } from './lineFile.ts';

export class Journal {
  readonly #file: LineFile;
  /** What an earlier run has left, in order. */
  readonly entries: readonly unknown[];

  private constructor(file: LineFile, entries: readonly unknown[]) {
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
    const file = await LineFile.open(option, path);
    try {
      const { text, whole } = file;
      const first = `${JSON.stringify(heading)}\n`;
      if (!whole.startsWith(first)) {
        // A heading that was not finished is all that a run which ended at once leaves.
        if (whole !== '' || !first.startsWith(text)) throw wrong(differing(whole, heading));
        await file.keep('');
        await file.add([heading]);
        return new Journal(file, []);
      }
      const lines = whole.slice(first.length).split('\n').slice(0, -1);
      const entries = lines.map((line, k) => {
        try {
          return JSON.parse(line) as unknown;
        } catch {
          throw wrong(`must be left as it was, line ${k + 2} is no JSON`);
        }
      });
      await file.keep(whole);
      return new Journal(file, entries);
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
  }

  /** @throws OutputError */
  async add(entries: readonly object[]): Promise<void> {
    await this.#file.add(entries);
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
