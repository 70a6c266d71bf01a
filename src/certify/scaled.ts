/** What is certified where the numbers of a file are pixels, in which unit, and within which limits. */
import { InputError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import type { Sample, SampleSet } from './data/samples.ts';
import { type Limits, outside } from './limits.ts';
import { checkNormalization, inPixels, type Normalization, Pixels, reciprocals } from './units.ts';

/** How pixels become inputs of the network. */
export interface PixelOptions {
  /** Both, or neither: then what a file holds is the network's input. */
  readonly mean?: Normalization['mean'] | undefined;
  readonly std?: Normalization['std'] | undefined;
  /** Whether what a file holds is (pixel − mean) / std already. */
  readonly normalized?: boolean;
  /** The least and the largest that a pixel can be. */
  readonly clip?: readonly [low: number, high: number] | undefined;
}

export interface Scaled {
  readonly network: Network;
  readonly limits: Limits | undefined;
  readonly attackLimits?: Limits | undefined;
  /** What the network's own input is, of what is certified; null: the same. */
  readonly scale: Float64Array | null;
  samples(stored: AsyncIterable<Sample>): AsyncGenerator<Sample>;
  /** An input of `network` as pixels, where it is made of these; for pictures. */
  pixels(input: Float64Array): Float64Array;
}

/** @throws InputError for numbers that are none, or not as many as channels */
export function scaledBy({ mean, std, normalized = false, clip }: PixelOptions, network: Network): Scaled {
  const { shape } = network.tensors[network.input]!;
  if (!mean || !std) {
    return {
      network,
      limits: clip && { low: clip[0], high: clip[1] },
      scale: null,
      async *samples(stored) {
        yield* stored;
      },
      pixels: (input) => input,
    };
  }
  const normalization: Normalization = { mean, std };
  checkNormalization(normalization, shape);
  const pixels = new Pixels(normalization, shape, normalized);
  return {
    network: inPixels(network, normalization),
    limits: clip && pixels.limitsAbove(...clip),
    attackLimits: clip && pixels.limits(...clip),
    scale: reciprocals(normalization),
    async *samples(stored) {
      for await (const sample of stored) yield { ...sample, input: pixels.input(sample.input) };
    },
    pixels: (input) => pixels.pixels(input),
  };
}

/**
 * All samples once before the work: what is wrong with the last of them is said now.
 * @param clip what limits are called where they are asked for
 * @throws InputError
 */
export async function checkAll(
  set: SampleSet,
  { limits, samples }: Scaled,
  clip: string,
  signal: AbortSignal,
): Promise<void> {
  for await (const { index, input } of samples(set.read(0, set.count))) {
    signal.throwIfAborted();
    const at = limits ? outside(limits, input) : -1;
    if (at >= 0) {
      throw new InputError(
        `${set.inputs}: must keep to ${clip}, got ${input[at]} at entry ${at} of sample ${index}${set.full === undefined ? '' : `, pixels being divided by ${set.full}`}`,
      );
    }
  }
}
