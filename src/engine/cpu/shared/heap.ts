/**
 * The memory that threads share: one WebAssembly memory, in which matrices lie where they are computed, so that nothing travels. It is
 * carved into blocks; a block that is given back joins the free ones beside it.
 */
import { isNode } from '../host.ts';

/** The largest that pointers of 32 bits reach. Hosts that do not reserve as much are asked for less. */
const MOST_PAGES = 65536;
const LEAST_PAGES = 4096;
const PAGE_BYTES = 65536;
/** A line of the cache: threads never write to the same one at the borders of blocks. */
const ALIGNMENT = 64;
/** Growing is a matter between all threads: done seldom. */
const GROWTH_BYTES = 2 ** 26;

export class Heap {
  readonly memory: WebAssembly.Memory;
  readonly #mostBytes: number;
  /** All that blocks are carved from ends here. */
  #end = ALIGNMENT;
  /** Free blocks: from where each starts to its bytes, and from where each ends to its start. */
  readonly #free = new Map<number, number>();
  readonly #ends = new Map<number, number>();
  /** Starts of the free ones by the power of two of their bytes. */
  readonly #bins: Set<number>[] = Array.from({ length: 33 }, () => new Set());
  /** Buffers of the memory as it grew: views keep theirs. */
  readonly #buffers = new WeakSet<ArrayBufferLike>();

  private constructor(memory: WebAssembly.Memory, pages: number) {
    this.memory = memory;
    this.#mostBytes = pages * PAGE_BYTES;
    this.#buffers.add(memory.buffer);
  }

  /** A new one; undefined where threads may not share memory: pages that are not isolated from other origins. */
  static open(): Heap | undefined {
    if (!(isNode() || globalThis.crossOriginIsolated === true)) return undefined;
    for (let pages = MOST_PAGES; pages >= LEAST_PAGES; pages /= 2) {
      try {
        const memory = new WebAssembly.Memory({ initial: 32, maximum: pages, shared: true });
        return new Heap(memory, pages);
      } catch {
        // Not so much address space.
      }
    }
    return undefined;
  }

  /** Whether an array lies here. */
  holds(array: Float64Array): boolean {
    return this.#buffers.has(array.buffer);
  }

  /** A view of a new block, with unspecified contents; undefined where there is no room. */
  take(length: number): Float64Array | undefined {
    const bytes = roundedUp(8 * length);
    if (bytes >= this.#mostBytes) return undefined;
    const address = this.#reuse(bytes) ?? this.#extend(bytes);
    return address === undefined ? undefined : new Float64Array(this.memory.buffer, address, length);
  }

  /** Gives back the block at an address that `take` has yielded for so many doubles. */
  give(address: number, length: number): void {
    let start = address;
    let end = address + roundedUp(8 * length);
    const before = this.#ends.get(start);
    if (before !== undefined) {
      this.#remove(before);
      start = before;
    }
    const after = this.#free.get(end);
    if (after !== undefined) {
      this.#remove(end);
      end += after;
    }
    if (end === this.#end) this.#end = start;
    else this.#insert(start, end - start);
  }

  #reuse(bytes: number): number | undefined {
    for (let bin = binOf(bytes); bin < this.#bins.length; bin++) {
      for (const start of this.#bins[bin]!) {
        const size = this.#free.get(start)!;
        if (size < bytes) continue;
        this.#remove(start);
        if (size > bytes) this.#insert(start + bytes, size - bytes);
        return start;
      }
    }
    return undefined;
  }

  #extend(bytes: number): number | undefined {
    const end = this.#end + bytes;
    if (end > this.#mostBytes) return undefined;
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0 && !this.#grow(missing)) return undefined;
    const start = this.#end;
    this.#end = end;
    return start;
  }

  #grow(missing: number): boolean {
    const held = this.memory.buffer.byteLength;
    const wanted = Math.min(this.#mostBytes - held, Math.max(missing, GROWTH_BYTES, held));
    for (const bytes of [wanted, missing]) {
      try {
        this.memory.grow(Math.ceil(bytes / PAGE_BYTES));
        this.#buffers.add(this.memory.buffer);
        return true;
      } catch {
        // The host has no more, or not so much.
      }
    }
    return false;
  }

  #insert(start: number, bytes: number): void {
    this.#free.set(start, bytes);
    this.#ends.set(start + bytes, start);
    this.#bins[binOf(bytes)]!.add(start);
  }

  #remove(start: number): void {
    const bytes = this.#free.get(start)!;
    this.#free.delete(start);
    this.#ends.delete(start + bytes);
    this.#bins[binOf(bytes)]!.delete(start);
  }
}

function roundedUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** floor(log2(bytes)). */
function binOf(bytes: number): number {
  return 31 - Math.clz32(bytes);
}
