/** Gathers between images that do the same everywhere. */
import { product, strides } from './size.ts';

type Shape = readonly number[];

/** What one channel of the output reads at one of its phases. */
export interface LatticeEntry {
  readonly output: number;
  /** Phase of the output's position, below `up`. */
  readonly phase: readonly number[];
  readonly input: number;
  readonly offset: readonly number[];
}

/** y[output, up·q + phase] = x[input, stride·q + offset], 0 where that is outside of x, for every entry; 0 elsewhere. On no axis both are
 *  more than 1, and where one axis has an `up` of more than 1, none has such a stride. */
export interface Lattice {
  readonly up: readonly number[];
  readonly stride: readonly number[];
  readonly entries: readonly LatticeEntry[];
}

/** Positions of a kernel that holds all that a lattice reads, at most. */
const MOST_POSITIONS = 2 ** 8;

/**
 * The gather as a lattice; undefined where it is none.
 * @param sources as `entrySources` gives them
 */
export function latticeOf(sources: Int32Array, input: Shape, output: Shape): Lattice | undefined {
  const axes = input.length - 1;
  if (axes < 1 || axes > 3 || output.length !== input.length) return undefined;
  const [from, to] = [input.slice(1), output.slice(1)];
  const ones = from.map(() => 1);
  const up = from.map((n, a) => (to[a]! % n === 0 ? to[a]! / n : 1));
  const stride = from.map((n, a) => (n % to[a]! === 0 ? n / to[a]! : 1));
  for (const candidate of [
    { up: ones, stride: ones },
    { up, stride: ones },
    { up: ones, stride },
  ]) {
    const entries = fitted(sources, input, output, candidate);
    const lattice = entries && { ...candidate, entries };
    if (lattice && product(boxOf(lattice).sides) <= MOST_POSITIONS) return lattice;
  }
  return undefined;
}

/** Whether it puts samples where strides leave room: y[up·q + reach] is then x[q], else y[q] is x[stride·q + reach]. */
export function isUpsampling({ up }: Lattice): boolean {
  return up.some((u) => u > 1);
}

/** Where an entry reads, or where it is put, counted from where the sample of the other tensor stands. */
export function reachOf(lattice: Lattice, { offset, phase }: LatticeEntry): number[] {
  return isUpsampling(lattice) ? phase.map((p, a) => p - lattice.up[a]! * offset[a]!) : [...offset];
}

/** The box that all of them lie in. */
export function boxOf(lattice: Lattice): {
  readonly least: readonly number[];
  readonly sides: readonly number[];
} {
  const reaches = lattice.entries.map((entry) => reachOf(lattice, entry));
  const axes = [...lattice.up.keys()];
  if (reaches.length === 0) return { least: axes.map(() => 0), sides: axes.map(() => 1) };
  const least = axes.map((a) => reaches.reduce((low, reach) => Math.min(low, reach[a]!), Infinity));
  const most = axes.map((a) => reaches.reduce((high, reach) => Math.max(high, reach[a]!), -Infinity));
  return { least, sides: axes.map((a) => most[a]! - least[a]! + 1) };
}

function fitted(
  sources: Int32Array,
  input: Shape,
  output: Shape,
  { up, stride }: Omit<Lattice, 'entries'>,
): LatticeEntry[] | undefined {
  const [from, to] = [input.slice(1), output.slice(1)];
  const [image, ownImage] = [product(from), product(to)];
  const [steps, ownSteps] = [strides(from), strides(to)];
  const phases = product(up);
  const channels = output[0]!;
  /** By channel and phase: what the first sample there that is not 0 says. */
  const found: (LatticeEntry | undefined)[] = new Array(channels * phases);
  const position = new Int32Array(to.length);
  for (let pass = 0; pass < 2; pass++) {
    for (let n = 0; n < sources.length; n++) {
      const channel = Math.floor(n / ownImage);
      let class_ = channel;
      for (let a = 0; a < to.length; a++) {
        position[a] = Math.floor((n % ownImage) / ownSteps[a]!) % to[a]!;
        class_ = class_ * up[a]! + (position[a]! % up[a]!);
      }
      const source = sources[n]!;
      const known = found[class_];
      if (!known) {
        if (pass > 0 || source < 0) continue;
        found[class_] = {
          output: channel,
          phase: up.map((u, a) => position[a]! % u),
          input: Math.floor(source / image),
          offset: from.map((side, a) => {
            const at = Math.floor((source % image) / steps[a]!) % side;
            return at - stride[a]! * Math.floor(position[a]! / up[a]!);
          }),
        };
        continue;
      }
      let expected = known.input * image;
      let inside = true;
      for (let a = 0; a < to.length; a++) {
        const at = stride[a]! * Math.floor(position[a]! / up[a]!) + known.offset[a]!;
        inside &&= at >= 0 && at < from[a]!;
        expected += at * steps[a]!;
      }
      if (source !== (inside ? expected : -1)) return undefined;
    }
  }
  return found.filter((entry) => entry !== undefined);
}
