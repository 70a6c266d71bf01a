/** How the bound grows through a network: bounds of what its first layers make of the input. */

import type { RuleName } from '../ellipsoid/multipliers/closedForms.ts';
import { Rounding } from '../ellipsoid/rounding/rounding.ts';
import type { EngineHandle } from '../engine/engine.ts';
import { engineOf } from '../engine/engineOf.ts';
import type { Network, Node } from '../network/network.ts';
import { prune } from '../network/prune.ts';
import { foldingsOf } from '../network/simplify/roundings.ts';
import { simplify } from '../network/simplify/simplify.ts';
import { compile } from '../program/compile.ts';
import { beyondMemory, roomIn } from './budget.ts';
import { DEFAULTS } from './defaults.ts';
import { Ledger } from './ledger.ts';
import { sampledLowerBound } from './lower/sample.ts';
import { checkTarget } from './options.ts';
import { sampledShare } from './proportion.ts';
import { numbers } from './report/numbers.ts';
import { closedForms } from './runs/closedForm.ts';
import { ofPair, rowValue } from './runs/rows.ts';
import { spectralProduct } from './runs/spectralProduct.ts';

/** Bounds on the map from the input to the output of one layer. */
export interface PrefixBound {
  /** The layer that the prefix ends with; of the simplified network, as `inspect` lists them. */
  readonly layer: string;
  /** Its place in that list. */
  readonly index: number;
  /** By the closed form. Both null where it failed; `bound` alone where it is no float64, `log10` alone where it is 0. */
  readonly bound: number | null;
  readonly log10: number | null;
  /** The product of norms, likewise. */
  readonly product: { readonly bound: number | null; readonly log10: number | null };
  /** Sampled: no bound can be below it. Present where it was asked for and something was found. */
  readonly lower?: { readonly bound: number | null; readonly log10: number | null };
}

export interface PrefixOptions {
  readonly engine: EngineHandle;
  /** The closed form; default `DEFAULTS.prefixRule`. */
  readonly rule?: RuleName;
  /** Two outputs, whose difference is bounded where a prefix is the whole network. */
  readonly target?: readonly [i: number, j: number];
  /** True: a sampled lower bound beside each, which takes up to 0.3 seconds. Default false. */
  readonly lower?: boolean;
  /** Memory budget in bytes, as of `bound`. */
  readonly memory?: number;
  readonly signal?: AbortSignal;
  /** Called with every prefix as it is found. */
  readonly onPrefix?: (prefix: PrefixBound) => void;
}

/**
 * Bounds the network cut off behind each layer that everything passes through (within a residual block there is none), from
 * the first to the last, rounding errors accounted for. Costs as many closed-form passes, of growing length, as there are such layers.
 *
 * @throws UnsupportedError where the closed form does not cover the network
 * @throws InputError for a target that it does not have
 * @throws the signal's reason when it is aborted
 */
export async function prefixBounds(network: Network, options: PrefixOptions): Promise<PrefixBound[]> {
  checkTarget(network, options.target);
  const simple = simplify(network);
  compile(simple);
  const rounding = new Rounding(engineOf(options.engine).information, foldingsOf(network));
  const found: PrefixBound[] = [];
  for (const index of bottlenecks(simple)) {
    const last = simple.nodes[index]!;
    const prefix = {
      layer: last.name,
      index,
      ...(await prefixBound(
        cutBehind(simple, last),
        last.output === simple.output ? options.target : undefined,
        rounding,
        options,
      )),
    };
    found.push(prefix);
    options.onPrefix?.(prefix);
  }
  return found;
}

async function prefixBound(
  prefix: Network,
  pair: PrefixOptions['target'],
  rounding: Rounding,
  options: PrefixOptions,
) {
  const program = compile(prefix);
  const { signal, rule = DEFAULTS.prefixRule } = options;
  const engine = engineOf(options.engine);
  const room = roomIn(options.memory, Infinity, engine, prefix);
  const beyond = beyondMemory(engine, program, room);
  if (beyond) throw beyond;
  const common = { memory: room.bytes, rounding, signal, ledger: new Ledger(undefined) };
  const { bound: product, norms } = await spectralProduct(engine, program, common);
  const [outcome] = await closedForms(engine, program, norms, [rule], { ...common, method: 'closed-form' });
  const value = rowValue(program, outcome!, pair);
  const lower = options.lower && (await sampled(prefix, pair, numbers(value).bound, options));
  return {
    ...numbers(value),
    product: numbers(ofPair(program, product, pair)),
    ...(lower && { lower: numbers(lower.value) }),
  };
}

/** What sampling a prefix may take. */
const SECONDS_OF_SAMPLING = 0.3;

async function sampled(
  prefix: Network,
  pair: PrefixOptions['target'],
  upper: number | null,
  { signal }: PrefixOptions,
) {
  const enough = new AbortController();
  const timer = setTimeout(() => enough.abort(), 1000 * SECONDS_OF_SAMPLING);
  try {
    return await sampledLowerBound(prefix, {
      ...{ seed: DEFAULTS.seed, pair, signal, interrupt: enough.signal },
      ...{ share: sampledShare(prefix), upper: upper ?? undefined },
    });
  } finally {
    clearTimeout(timer);
  }
}

/** The network that ends with this node. */
function cutBehind(network: Network, { output }: Node): Network {
  return prune({ ...network, output });
}

/** Indices of the nodes whose output is all that later nodes look at. */
function bottlenecks(network: Network): number[] {
  const lastUse = new Map<number, number>();
  network.nodes.forEach((node, k) => {
    for (const id of node.inputs) lastUse.set(id, k);
  });
  let until = lastUse.get(network.input) ?? 0;
  return network.nodes.flatMap((node, k) => {
    const free = until <= k;
    until = Math.max(until, lastUse.get(node.output) ?? 0);
    return free ? [k] : [];
  });
}
