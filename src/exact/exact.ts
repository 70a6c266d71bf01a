/** The Lipschitz constant itself, of networks of straight pieces. */
import { InputError, UnsupportedError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import type { SteepPoint } from './below/steepest.ts';
import { EXACT } from './defaults.ts';
import { domainOf } from './domain.ts';
import { formOf } from './form/translate.ts';
import type { TreeNode } from './record.ts';
import type { Beginning } from './resume.ts';
import { type ExactProgress, Search } from './search.ts';

export interface ExactOptions {
  /** Only of output i minus output j. */
  readonly pair?: readonly [i: number, j: number] | undefined;
  /** Where inputs lie; absent: everywhere. Sides may be infinite. */
  readonly box?: { readonly low: Float64Array; readonly high: Float64Array } | undefined;
  /** Within an ℓ2 distance of a point, and in the box if there is one. */
  readonly ball?: { readonly centre: Float64Array; readonly radius: number } | undefined;
  /** The search ends where the bound is at most (1 + gap) times a slope that is attained; default: `EXACT`. */
  readonly gap?: number | undefined;
  /** Networks of more neurons are refused at once; default: none are. */
  readonly mostNeurons?: number | undefined;
  /** Of the points that are sampled first. */
  readonly seed?: number | undefined;
  /** Asked between two nodes: whether it is time to stop. */
  readonly isOver?: (() => boolean) | undefined;
  /** Rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ExactProgress) => void) | undefined;
  /** What an earlier search of the same network, outputs and domain has left, from which it goes on; whatever that is, the answer is proven anew. */
  readonly beginning?: Beginning | undefined;
}

export interface ExactResult {
  /** Both proven, rounding included: the least Lipschitz constant lies between them. */
  readonly upper: number;
  readonly lower: number;
  /** `exact`: both are the same but for one part in a million; `gap`: as near as was asked for; `stopped`: before that. */
  readonly status: 'exact' | 'gap' | 'stopped';
  /** An input, the direction in which the network is steepest there, and how steep; absent where none was found that is not flat. */
  readonly steepest: SteepPoint | undefined;
  /** Nodes that were looked at, and that are left. */
  readonly nodes: number;
  readonly open: number;
  /** Units of more than one piece. */
  readonly neurons: number;
  /** How inputs were split, and what proves the upper bound for each part; absent where it is too much to be kept. */
  readonly tree?: readonly TreeNode[];
}

/** Part of a gap that the search may use: the rest is for what proofs add. */
const USED = 0.9;

/**
 * The ℓ2 Lipschitz constant of a network of straight pieces, by branch and bound (docs/mathematics.md §10).
 *
 * @throws UnsupportedError for networks that are not of straight pieces, or too large
 * @throws InputError for options that make no sense
 * @throws the signal's reason when it is aborted
 */
export async function exactConstant(network: Network, options: ExactOptions = {}): Promise<ExactResult> {
  const {
    pair,
    box,
    ball,
    gap = EXACT,
    seed = 0,
    mostNeurons = Infinity,
    isOver = () => false,
    signal,
    onProgress,
    beginning,
  } = options;
  if (!(gap >= 0)) throw new InputError(`gap: not negative, got ${gap}`);
  const form = formOf(network, pair);
  if (form.kinks.length > mostNeurons) {
    const found = `${form.kinks.length} neurons`;
    throw new UnsupportedError([
      { node: network.name, found, reason: `at most ${mostNeurons} were asked for` },
    ]);
  }
  const domain = domainOf(form.inputs, box, ball);
  if (beginning?.input && beginning.input.length !== form.inputs)
    throw new InputError(`resume: a point of ${form.inputs} numbers, got ${beginning.input.length}`);
  const search = new Search(form, domain, {
    gap: USED * Math.max(gap, 1e-8),
    seed,
    isOver,
    signal,
    onProgress,
    beginning,
  });
  const { lower, steepest, nodes, open, tree, ...found } = await search.run();
  const upper = settled(found.upper);
  const status = upper <= lower * (1 + EXACT) ? 'exact' : upper <= lower * (1 + gap) ? 'gap' : 'stopped';
  const neurons = form.kinks.length;
  return { lower, upper, status, steepest, nodes, open, neurons, ...(tree && { tree }) };
}

/** Bits of a bound that say something: those behind are of the order in which sums were added, which files of other formats have differently. */
const TOLD = 40;

/** Rounded up to as many bits. */
function settled(bound: number): number {
  const unit = 2 ** (Math.floor(Math.log2(bound)) - TOLD);
  // Powers of two, so that nothing else is rounded; 0 and what is next to it stay.
  return unit >= 2 ** -1000 && unit < Infinity ? Math.ceil(bound / unit) * unit : bound;
}
