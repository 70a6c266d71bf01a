/**
 * A network as *signals*: its input, linear combinations of earlier signals, nonlinearities (sectors) and maxima of them.
 * Biases are gone, since only differences of inputs matter; masks stand where zero padding needs them.
 */
export type Sides = readonly number[];

/** Takes entries of a matrix, each of them once; `magnitude` (default |value|) bounds the terms that were added up to make it. */
export type Put = (row: number, column: number, value: number, magnitude?: number) => void;

/** What a linear map reads at one offset: y[stride · j] = Σ_t K_t x[j + offset_t], entries of K_t. */
export interface Tap {
  readonly offset: Sides;
  readonly entries: (put: Put) => void;
}

export interface SignalMap {
  /** `window`: y[j] = Σ_t K_t x[stride·j + offset_t]. `transposed`: K_t x[j] is added to y[stride·j + offset_t]. `read`: y =
   *  Σ_t K_t x[offset_t] over the source's window, a vector. */
  readonly kind: 'window' | 'transposed' | 'read';
  readonly taps: readonly Tap[];
  readonly stride: Sides;
  /** Samples of padding, or of cropping where it is transposed. */
  readonly before: Sides;
  readonly after: Sides;
  /** Where it is y_{row + c} = value(c) x_c, sample by sample. */
  readonly diagonal?: { readonly row: number; readonly value: (channel: number) => number };
  /** Padding wraps round; otherwise what lies outside the source's window must be zero. */
  readonly circular: boolean;
}

export interface Linear {
  readonly kind: 'linear';
  terms: readonly { readonly source: Signal; readonly map: SignalMap }[];
  /** Sorted groups, put together: what is zero outside the window needs zero sums there. */
  readonly sorted?: true;
}

/** Slopes in [lower, upper], one entry per channel or one for all. */
export interface Sector {
  readonly kind: 'sector';
  readonly role: 'nonlinearity' | 'window' | 'divisor';
  readonly source: Signal;
  lower: readonly number[];
  upper: readonly number[];
}

/**
 * Over windows with a stride, over the whole image (neither given), or of listed entries of a vector. `moved`: nothing but single entries,
 * each in `overlap` places at most; `entries` has, for every channel of the result, the channels that these are of, each as often as one of
 * their entries is there at most. `groups`: functions of groups instead, of channels whose group `ofSource` has, into those of `ofTarget`,
 * whose norms may weigh channels by what differs by `spread` at most.
 */
export interface Maximum {
  readonly kind: 'maximum';
  readonly role: 'maximum';
  source: Signal;
  /** Slopes between the source and the maximum are at most this in modulus, per channel or one for all. */
  gain: readonly number[];
  /** Windows that share a sample, at most. */
  readonly overlap: number;
  readonly stride?: Sides;
  readonly entries?: readonly Int32Array[];
  readonly moved?: true;
  readonly groups?: { readonly ofSource: Int32Array; readonly ofTarget: Int32Array; readonly spread: number };
}

export interface Signal {
  readonly name: string;
  readonly channels: number;
  /** Spatial sides; none for a vector. */
  readonly window: Sides;
  readonly origin: { readonly kind: 'input' } | Linear | Sector | Maximum;
  /** How far apart its samples lie, in units of which every spacing is a whole number; none for a vector. */
  spacing: Sides;
  /** Samples that a torus must have at least, for its window and for the padding of those who read it. */
  room: Sides;
  /** Padding wraps round: a torus must have the window's sides. */
  wraps: boolean;
}

export interface SignalGraph {
  /** In topological order, the input first; masks right behind what they mask. */
  readonly signals: readonly Signal[];
  readonly output: Signal;
  /** Sides of a box, in units, that holds every signal with its padding; none where all are vectors. */
  readonly extent: Sides;
  /** For a softmax behind the output. */
  readonly factor: number;
}

export function sourcesOf({ origin }: Signal): Signal[] {
  if (origin.kind === 'input') return [];
  return origin.kind === 'linear' ? origin.terms.map((term) => term.source) : [origin.source];
}

export function readersOf(signals: readonly Signal[]): Map<Signal, Set<Signal>> {
  const readers = new Map(signals.map((s) => [s, new Set<Signal>()]));
  for (const s of signals) for (const source of sourcesOf(s)) readers.get(source)!.add(s);
  return readers;
}
