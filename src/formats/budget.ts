/** Limits on the memory and the work that a file can cause beyond its size. */
import { InputError } from '../errors.ts';

/** Entries that constants may be decoded and computed to, besides a multiple of the bytes of the file. */
const FREE_ENTRIES = 2 ** 24;
const ENTRIES_PER_BYTE = 8;
/** Operations on entries of constants, besides a multiple of the bytes of the file: some seconds; and at most. */
const FREE_OPERATIONS = 2 ** 31;
const OPERATIONS_PER_BYTE = 512;
const MOST_OPERATIONS = 2 ** 34;

export class Budget {
  private entries: number;
  private operations: number;

  /** @param bytes size of the file and its external data */
  constructor(bytes: number) {
    this.entries = FREE_ENTRIES + ENTRIES_PER_BYTE * bytes;
    this.operations = Math.min(MOST_OPERATIONS, FREE_OPERATIONS + OPERATIONS_PER_BYTE * bytes);
  }

  /** To be called before memory for `entries` numbers is taken. @throws InputError */
  allocate(node: string, entries: number): void {
    this.entries -= entries;
    if (!(this.entries >= 0)) {
      throw new InputError(`${node}: constants must fit their limit, got ${entries} entries more`);
    }
  }

  /** To be called before long work. @throws InputError */
  work(node: string, operations: number): void {
    this.operations -= operations;
    if (!(this.operations >= 0)) {
      throw new InputError(
        `${node}: computing constants must fit its limit, got ${operations} operations more`,
      );
    }
  }
}
