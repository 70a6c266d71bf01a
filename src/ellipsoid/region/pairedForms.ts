/**
 * How far two networks are apart at the same input, by linear forms of both the arguments y of one and the differences d of the other's from
 * these (docs/mathematics.md §13): φ(y + d) − φ(y) = t d, where t lies between the slopes of φ over all that y and y + d can be.
 */

import type { PairedFunction, PairedNetwork } from '../../network/difference/merged.ts';
import type { Elementwise } from '../../network/elementwise/elementwise.ts';
import { U } from '../../network/evaluation/elementwiseEnclosure.ts';
import type { Ball } from '../../network/evaluation/enclosure.ts';
import type { Algebra } from './algebra.ts';
import { PreparedChain } from './anchoredPass.ts';
import { type Block, chainOf, type Stage } from './chain.ts';
import { type Lines, linesAlongChords } from './chords.ts';
import type { Region } from './limits.ts';
import { LinearForms } from './linearForms.ts';
import type { Ranges } from './ranges.ts';

/** More than what is too small for float64 can lose in a few operations. */
const UNDERFLOW = 2 ** -1000;

/** Entry `at` of a stage is a difference d, entry `own` the argument y of the same function. */
interface Place {
  readonly at: number;
  readonly own: number;
}

export class PreparedPair {
  readonly prepared: PreparedChain;
  /** Outputs of either network. */
  readonly outputs: number;
  readonly #places: readonly (readonly Place[])[];

  constructor({ network, paired }: PairedNetwork) {
    this.prepared = new PreparedChain(chainOf(network));
    const { chain } = this.prepared;
    this.outputs = chain.outputs / 2;
    this.#places = chain.stages.map((stage) => placesOf(stage, paired));
  }

  /** The largest modulus of every entry of the difference on a region, from above. */
  async largest(algebra: Algebra, region: Region): Promise<Float64Array> {
    const forms = await LinearForms.start(algebra, this.prepared, region);
    for (const [k, places] of this.#places.entries())
      await forms.pass(k, forms.ranges(), (...stage) => linesOfPairs(places, ...stage));
    const { low, high } = forms.ranges();
    return new Float64Array(this.outputs).map((_, i) => Math.max(Math.abs(low[i]!), Math.abs(high[i]!)));
  }
}

function placesOf({ blocks }: Stage, paired: ReadonlyMap<Elementwise, PairedFunction>): Place[] {
  const byFunction = new Map(blocks.map((block) => [block.function, block]));
  return blocks.flatMap((block) => {
    const pair = block.function && paired.get(block.function);
    if (!pair) return [];
    // Differences are of functions of arguments that are as deep, so that both are in one stage.
    const own = byFunction.get(pair.own)!;
    return pairsOf(block, own, pair.channels);
  });
}

function pairsOf(block: Block, own: Block, channels: Int32Array | undefined): Place[] {
  const image = channels ? block.size / channels.length : block.size;
  return Array.from({ length: block.size }, (_, n) => {
    const from = channels ? channels[Math.floor(n / image)]! * image + (n % image) : n;
    return { at: block.start + n, own: own.start + from };
  });
}

function linesOfPairs(
  places: readonly Place[],
  prepared: PreparedChain,
  k: number,
  ranges: Ranges,
  where: Ball,
): Lines {
  const others = { low: ranges.low.slice(), high: ranges.high.slice() };
  const both = { low: ranges.low.slice(), high: ranges.high.slice() };
  for (const { at, own } of places) {
    const [low, high] = [ranges.low[own]!, ranges.high[own]!];
    const [least, most] = [low + ranges.low[at]!, high + ranges.high[at]!];
    others.low[at] = least - 4 * U * Math.abs(least);
    others.high[at] = most + 4 * U * Math.abs(most);
    both.low[at] = Math.min(low, others.low[at]!);
    both.high[at] = Math.max(high, others.high[at]!);
  }
  // What is said of differences here is replaced, but for the values of the other network's functions.
  const lines = linesAlongChords(prepared, k, others, where);
  const { middle, uncertain, half } = prepared.functions[k]!.incremental(both.low, both.high);
  const widths = new Float64Array(middle.length);
  for (const [n, i] of uncertain.entries()) widths[i] = half[n]!;
  for (const { at, own } of places) {
    const values = difference(lines.image, at, own);
    const [low, high] = [ranges.low[at]!, ranges.high[at]!];
    const [slope, width] = [middle[at]!, widths[at]!];
    const reach = Math.max(Math.abs(low), Math.abs(high));
    const beside = width * reach * (1 + 4 * U) + (width > 0 ? UNDERFLOW : 0);
    // m d ± e |d|, or what both functions say alone.
    const [first, last] = [slope * low, slope * high];
    const span = Math.abs(last - first) / 2 + beside;
    const alone = values.radius < beside;
    const narrow = values.radius < span;
    lines.slope[at] = alone ? 0 : slope;
    lines.addition[at] = alone ? values.radius : beside;
    const by = slope * where.middle[at]!;
    lines.value.middle[at] = alone ? values.middle : by;
    lines.value.radius[at] = alone
      ? UNDERFLOW
      : Math.abs(slope) * where.radius[at]! * (1 + 4 * U) + 2 * U * Math.abs(by) + UNDERFLOW;
    lines.image.middle[at] = narrow ? values.middle : first / 2 + last / 2;
    lines.image.radius[at] =
      (narrow ? values.radius : span) * (1 + 4 * U) + 8 * U * (Math.abs(first) + Math.abs(last)) + UNDERFLOW;
  }
  return lines;
}

function difference({ middle, radius }: Ball, at: number, own: number) {
  const size = Math.abs(middle[at]!) + Math.abs(middle[own]!);
  return {
    middle: middle[at]! - middle[own]!,
    radius: (radius[at]! + radius[own]!) * (1 + 4 * U) + 2 * U * size,
  };
}
