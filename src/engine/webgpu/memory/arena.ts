/**
 * Device memory that is used again and again: what is given back serves the next who asks for about as much. Buffers change hands in
 * the order in which work is recorded, which is the order in which the device does it.
 */
import type { Device } from '../device.ts';

/** A buffer of the arena, or the part of it that was asked for. */
export interface Space {
  /** Of the buffer, and of no other that was before or comes after it. */
  readonly id: number;
  readonly buffer: GPUBuffer;
  /** Size of the buffer. */
  readonly bytes: number;
  /** Bytes that it has beyond those that its holder needs. */
  waste: number;
  /** Number of the last recorded piece of work that uses it. */
  lastUse: number;
}

/** Buffers may be larger than asked for by this factor, */
const largestWaste = 1.25;
/** and by this one where a real GPU has room: making a buffer takes about as long as reading all of it a few times. */
const largestWasteInRoom = 2;
/** As long as what is wasted is no more than this part of its memory. */
const wasteInRoom = 1 / 8;
/** Idle memory that is kept whatever the peak was. */
const keptAnyway = 64 * 2 ** 20;

export class Arena {
  readonly #device: Device;
  /** Idle buffers by size. */
  readonly #idle = new Map<number, Space[]>();
  #liveBytes = 0;
  #wastedBytes = 0;
  #idleBytes = 0;
  #peakBytes = 0;
  #created = 0;

  constructor(device: Device) {
    this.#device = device;
  }

  /** Most bytes in use at one time. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** @param usedBefore only a buffer whose last use is before this piece of work will do: one that is written out of turn. */
  take(bytes: number, usedBefore = Number.POSITIVE_INFINITY): Space {
    const wanted = sizeClass(bytes, this.#device.largestBinding);
    const space = this.#reuse(wanted, usedBefore) ?? this.#create(wanted);
    space.waste = space.bytes - wanted;
    this.#wastedBytes += space.waste;
    this.#liveBytes += space.bytes;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
    return space;
  }

  give(space: Space): void {
    const list = this.#idle.get(space.bytes) ?? [];
    list.push(space);
    this.#idle.set(space.bytes, list);
    this.#liveBytes -= space.bytes;
    this.#wastedBytes -= space.waste;
    this.#idleBytes += space.bytes;
  }

  /** Destroys idle buffers, largest first, until no more is held than a real GPU has for all that is at work, or than a quarter beyond the
   *  peak. Only those whose last use is before `done`: the device has been told all that concerns them. Those that stay are put in order:
   *  who does the same again has the same buffers for it. */
  trim(done: number): void {
    const peak = Math.max(this.#peakBytes * 1.25, this.#peakBytes + keptAnyway);
    const allowed = Math.max(peak, this.#device.memory ?? 0) - this.#liveBytes;
    for (const bytes of [...this.#idle.keys()].sort((a, b) => b - a)) {
      const list = this.#idle.get(bytes)!;
      for (let k = list.length - 1; k >= 0 && this.#idleBytes > allowed; k--) {
        if (!(list[k]!.lastUse < done)) continue;
        const [space] = list.splice(k, 1);
        space!.buffer.destroy();
        this.#idleBytes -= bytes;
      }
      list.sort((a, b) => a.id - b.id);
    }
  }

  #reuse(wanted: number, usedBefore: number): Space | undefined {
    const { memory = 0 } = this.#device;
    const hasRoom =
      largestWasteInRoom * wanted <= memory - this.#liveBytes &&
      this.#wastedBytes + wanted <= wasteInRoom * memory;
    const largest = wanted * (hasRoom ? largestWasteInRoom : largestWaste);
    let best: Space[] | undefined;
    let size = Number.POSITIVE_INFINITY;
    for (const [candidate, list] of this.#idle) {
      if (candidate < wanted || candidate > largest || candidate >= size) continue;
      if (!list.some((space) => space.lastUse < usedBefore)) continue;
      best = list;
      size = candidate;
    }
    if (!best) return undefined;
    // The one given back last is the likeliest to be in a cache still.
    const place = best.findLastIndex((space) => space.lastUse < usedBefore);
    const [space] = best.splice(place, 1);
    this.#idleBytes -= size;
    return space;
  }

  #create(bytes: number): Space {
    return { id: this.#created++, buffer: this.#device.buffer(bytes), bytes, waste: 0, lastUse: -1 };
  }
}

/** At least 256 bytes, then sixteen sizes to the octave, but no more than `limit`. */
export function sizeClass(bytes: number, limit: number): number {
  if (bytes <= 256) return 256;
  const step = 2 ** (Math.ceil(Math.log2(bytes)) - 5);
  return Math.max(bytes, Math.min(Math.ceil(bytes / step) * step, limit - (limit % 4)));
}
