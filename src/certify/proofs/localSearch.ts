/** Multipliers in a region by search: those of a network that has everywhere the slopes which this one has there (docs/mathematics.md §8). */
import { bound } from '../../bounds/bound.ts';
import { wholeUnrolling } from '../../bounds/paths/unrolled.ts';
import type { StoredMultipliers } from '../../bounds/result.ts';
import { UnsupportedError } from '../../errors.ts';
import type { Network, Node } from '../../network/network.ts';
import { type EntrySlopes, narrowed } from '../../network/simplify/narrowed.ts';
import { arrange } from '../../network/simplify/simplify.ts';
import type { LocalForm, LocalOptions } from './localForm.ts';
import { DEFAULT_MEMORY } from './proverEngine.ts';

export interface LocalSearchOptions extends Omit<LocalOptions, 'domain'> {
  /** Whether it was asked for, and goes on whatever a pass takes. */
  readonly asked: boolean;
  /** Of this and the next: as `bound`. */
  readonly evaluations?: number;
  readonly timeLimit?: number;
  readonly interrupt?: AbortSignal;
}

/** Operations of a pass that are in proportion where nobody asked for a search. */
const UNASKED_FLOPS = 1e9;

/** @returns the bound that a search finds; undefined where there is none, or nothing to say */
export async function localSearch(
  form: LocalForm,
  { asked, memory = DEFAULT_MEMORY, ...options }: LocalSearchOptions,
): Promise<number | undefined> {
  const own = withSlopes(form);
  if (!own) return undefined;
  const { network, layers } = own;
  const unrolling = wholeUnrolling(arrange(network), memory);
  if (!asked && unrolling && unrolling.flops > UNASKED_FLOPS) return undefined;
  const path = unrolling ? 'unrolled' : 'torus';
  const method = unrolling ? 'unrolled' : 'refined';
  const warm = [{ version: 2 as const, network: null, path, layers } satisfies StoredMultipliers];
  try {
    const result = await bound(network, { ...options, memory, method, warm, lower: false });
    return result.bound ?? undefined;
  } catch (error) {
    const { signal, interrupt } = options;
    // Nothing was found: the closed form stays.
    if (!signal?.aborted && (error instanceof UnsupportedError || interrupt?.aborted)) return undefined;
    throw error;
  }
}

/** The network with the slopes that it has in the region, and the closed form's multipliers of its layers. */
export function withSlopes({
  chain,
  stages,
}: LocalForm): { network: Network; layers: StoredMultipliers['layers'] } | undefined {
  if (!stages) return undefined;
  const slopes = new Map<Node, EntrySlopes>();
  const layers: { name: string; theta: number[] }[] = [];
  for (const [k, { blocks }] of chain.stages.entries()) {
    const { slopes: all, theta } = stages[k]!;
    for (const { node, name, start, size } of blocks) {
      if (!node) continue;
      const [lower, upper] = [all.lower.slice(start, start + size), all.upper.slice(start, start + size)];
      slopes.set(node, { lower, upper });
      const here = [...theta].filter(
        (_, n) => all.uncertain[n]! >= start && all.uncertain[n]! < start + size,
      );
      if (here.length > 0) layers.push({ name, theta: here });
    }
  }
  return { network: narrowed(chain.network, slopes), layers };
}
