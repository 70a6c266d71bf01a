/** What a way of looking for faults is, and what it finds. */

/** One way of looking for faults. The same seed makes the same trial. */
export interface Hunt {
  readonly name: string;
  /** What its trials are counted as in the last lines: networks, files, certificates, graphs, commands. */
  readonly unit: string;
  /** One trial; resolves to what is wrong, if anything. Must not throw for faults of the program. */
  trial(seed: number): Promise<Finding | undefined>;
  close?(): Promise<void>;
}

export interface Finding {
  readonly hunt: string;
  readonly seed: number;
  /** One sentence: what must hold and what was seen. */
  readonly fault: string;
  /** Files that reproduce it, by name, and the command or call that does. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly reproduce: string;
}
