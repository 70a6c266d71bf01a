/** What provers and local bounds share: an engine in float64, and a budget. */
import type { PreparedChain } from '../../ellipsoid/region/anchoredPass.ts';
import type { Chain } from '../../ellipsoid/region/chain.ts';
import { createEngine } from '../../engine/create.ts';
import type { Engine } from '../../engine/engine.ts';
import { precisionOf } from '../../engine/precision.ts';
import { UnsupportedError } from '../../errors.ts';

export interface ProverOptions {
  /** Proofs are in float64: where this engine is not, one on the CPU is opened beside it. Absent: one on the CPU is. */
  readonly engine?: Engine;
  /** Bytes that a proof may hold. Default: 2 GiB. */
  readonly memory?: number;
}

/** Matrices of the size of the largest covariance that are held at a time, beside one per stage. */
const WORKING_MATRICES = 8;
/** Of that size, that linear forms hold at a time. */
const MATRICES_OF_FORMS = 6;
export const DEFAULT_MEMORY = 2 ** 31;

/** An engine in float64: this one, or one of its own, that `close` ends. */
export async function proverEngine(
  given: Engine | undefined,
): Promise<{ engine: Engine; close: () => Promise<void> }> {
  if (given && precisionOf(given.information) === 'double') return { engine: given, close: async () => {} };
  const engine = await createEngine({ engine: 'cpu' });
  return { engine, close: () => engine.close() };
}

/** @throws UnsupportedError that names the largest layer where covariances, and linear forms beside them, take more than `memory` bytes */
export function refuseLarge({ chain }: PreparedChain, memory = DEFAULT_MEMORY, withForms = false): void {
  if (!(memory > 0)) throw new RangeError(`region: memory must be a positive number of bytes, got ${memory}`);
  const { bytes, largest } = needOf(chain, withForms);
  if (bytes <= memory) return;
  const gib = (value: number) => (value / 2 ** 30).toFixed(1);
  throw new UnsupportedError([
    {
      node: largest.name,
      found: `${largest.size} entries`,
      reason: `a proof on a region takes covariances of all of them, ${gib(bytes)} GiB, and ${gib(memory)} GiB are allowed`,
    },
  ]);
}

/** Whether linear forms fit into the budget beside covariances. */
export function hasRoomForForms({ chain }: PreparedChain, memory = DEFAULT_MEMORY): boolean {
  return needOf(chain, true).bytes <= memory;
}

/** Bytes that a proof holds at most, about. */
export function bytesOfProof({ chain }: PreparedChain, withForms: boolean): number {
  return needOf(chain, withForms).bytes;
}

function needOf(chain: Chain, withForms: boolean) {
  let bytes = 8 * chain.inputs ** 2;
  let largest = { name: 'the input', size: chain.inputs };
  for (const { linear, blocks } of chain.stages) {
    bytes += 8 * linear.outputs ** 2;
    if (linear.outputs > largest.size) largest = { name: blocks[0]!.name, size: linear.outputs };
  }
  bytes += 8 * (WORKING_MATRICES + (withForms ? MATRICES_OF_FORMS : 0)) * largest.size ** 2;
  return { bytes, largest };
}
