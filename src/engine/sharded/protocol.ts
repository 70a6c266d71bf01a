/**
 * What an engine over several shards says to them, and what they answer. A shard carries out its commands in the order in which they come;
 * everything can be cloned.
 */
import type { EngineInformation } from '../engine.ts';
import type { Shape } from '../handles.ts';
import type { Name } from '../operations.ts';

/** Of what a shard holds. */
export type Id = number;

export type Command =
  | {
      readonly kind: 'matrices';
      readonly id: Id;
      readonly data: Float64Array | Float32Array;
      readonly shape: Shape;
    }
  | { readonly kind: 'vector'; readonly id: Id; readonly data: Float64Array }
  /** Parameters hold references in the place of handles; results have one id, or one by name. */
  | {
      readonly kind: 'operation';
      readonly name: Name;
      readonly parameters: readonly unknown[];
      readonly ids: Id | Readonly<Record<string, Id>>;
    }
  /** A copy of the batch entries from `start` to `end`. */
  | { readonly kind: 'slice'; readonly id: Id; readonly of: Id; readonly start: number; readonly end: number }
  /** Tells `of`, and takes what all shards make of theirs in its place, as `id`: matrices of a shape, or a vector.
   *  `over` is what it was computed from, a part of a batch or of a vector with one entry for each of its entries; absent: from what all
   *  have. `turn` is the number of the exchange. */
  | {
      readonly kind: 'exchange';
      readonly turn: number;
      readonly id: Id;
      readonly of: Id;
      readonly over?: Id;
      readonly shape?: Shape;
    }
  | { readonly kind: 'release'; readonly ids: readonly Id[] }
  | { readonly kind: 'read'; readonly request: number; readonly ids: readonly Id[] }
  | { readonly kind: 'settle'; readonly request: number };

/** Handles by number, in the place of handles. */
export interface Reference {
  readonly kind: 'matrices' | 'vector';
  readonly reference: Id;
}

/** What is sent to a shard. */
export type Message =
  | { readonly kind: 'commands'; readonly commands: readonly Command[] }
  | {
      readonly kind: 'exchanged';
      readonly turn: number;
      readonly data: Float64Array;
      /** Of sums of rows that several shards attain: the part of each that is this shard's. */
      readonly shares?: Float64Array;
    }
  /** What was asked for is not waited for any more. */
  | { readonly kind: 'abort'; readonly request: number };

/** What a shard sends. */
export type Answer =
  | { readonly kind: 'opened'; readonly information: EngineInformation }
  /** `entries` of the batch went into `data`. */
  | { readonly kind: 'part'; readonly turn: number; readonly entries: number; readonly data: Float64Array }
  | {
      readonly kind: 'done';
      readonly request: number;
      readonly values: readonly Float64Array[];
      readonly peakBytes: number;
    }
  | { readonly kind: 'failed'; readonly reason: string };
