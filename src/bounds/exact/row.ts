/** The Lipschitz constant itself, where a network is small enough for branch and bound. */
import { UnsupportedError } from '../../errors.ts';
import type { ExactResult } from '../../exact/exact.ts';
import { isEuclidean, type NormPair } from '../../network/norms/norm.ts';
import { product } from '../../network/size.ts';
import { log10, roundedUp, scaled, times } from '../../scaled.ts';
import type { ExactReport } from '../result.ts';
import type { Row } from '../runs/rows.ts';
import { stopwatch } from '../runs/stopwatch.ts';
import type { BoundTask } from '../task.ts';
import { isSmall, MOST_NEURONS } from './scope.ts';

/** Seconds that it is tried for, unasked. */
const SECONDS = 10;
/** Unasked it goes on after so many nodes only if at least this part of the gap has closed. */
const NODES_OF_TRIAL = 200;
const PROMISING = 0.25;
/** Work that is announced for it: as much as the other methods take on such a network, about. */
const WORK = 1e8;

/**
 * The row of the method `exact`; undefined where nobody has asked for it and it does not come into question.
 * @throws UnsupportedError where it is asked for and the network is not of straight pieces, or too large
 */
export async function exactRow(task: BoundTask): Promise<Row | undefined> {
  const { query, original, ledger, signal, interrupt, deadline } = task;
  const asked = query.method === 'exact';
  if (!asked && !isWorthATry(task)) return undefined;
  const clock = stopwatch();
  const begun = performance.now();
  ledger.announce(WORK);
  let [widest, done, seen] = [0, 0, 0];
  const euclidean = isEuclidean(query.norms);
  const factor = euclidean ? 1 : factorFromEuclidean(task);
  const isTooLong = () => {
    if (performance.now() - begun > 1000 * SECONDS) return true;
    return seen > NODES_OF_TRIAL && done < PROMISING * WORK;
  };
  try {
    // Few networks are small enough: pages fetch it with the first.
    const { exactConstant } = await import('../../exact/exact.ts');
    const result = await exactConstant(original, {
      ...{ pair: query.pair, gap: query.gap, seed: query.seed, beginning: query.beginning, signal },
      ...(!asked && { mostNeurons: MOST_NEURONS }),
      isOver: () => interrupt?.aborted === true || deadline.over || (!asked && isTooLong()),
      onProgress: ({ lower, upper, nodes, open }) => {
        seen = nodes;
        const width = lower > 0 ? Math.log(upper / lower) : Infinity;
        if (width < Infinity) widest = Math.max(widest, width);
        const share = widest > 0 && width < Infinity ? 1 - width / widest : 0;
        const step = Math.max(0, share * WORK - done);
        done += step;
        // What is above is proven in the end.
        const range = `at least ${lower.toPrecision(6)}, about ${upper.toPrecision(6)} at most`;
        ledger.add('exact', euclidean ? `${range}, ${nodes} nodes, ${open} left` : `${nodes} nodes`, step);
      },
    });
    ledger.add('exact', 'done', WORK - done);
    const value =
      result.upper < Infinity ? roundedUp(times(scaled(result.upper), scaled(factor))) : undefined;
    if (!asked && !value) return undefined;
    if (value && value.mantissa > 0) ledger.found(log10(value));
    return {
      method: 'exact',
      seconds: clock(),
      // In other norms it is no constant.
      ...(euclidean
        ? { exact: reportOf(result), ...(result.tree && { exactTree: result.tree }) }
        : { rule: 'from ℓ2' }),
      ...(value ? { value } : { error: NOTHING }),
    };
  } catch (error) {
    if (asked || !(error instanceof UnsupportedError)) throw error;
    ledger.add('exact', 'left out', WORK);
    return undefined;
  }
}

const NOTHING = 'rounding leaves nothing to say';

function isWorthATry({ query, original, interrupt, deadline }: BoundTask): boolean {
  if (query.method !== 'all' || query.length !== undefined || query.target === 'margins') return false;
  if (query.sensitivities || interrupt?.aborted || deadline.over) return false;
  return isSmall(original);
}

/** What a bound in ℓ2 becomes in other norms: ‖x‖₂ ≤ √n ‖x‖∞, ‖x‖₂ ≤ ‖x‖₁, ‖y‖∞ ≤ ‖y‖₂, ‖y‖₁ ≤ √m ‖y‖₂. */
function factorFromEuclidean({
  query: { norms, pair },
  original: { tensors, input, output },
}: BoundTask): number {
  const entries = (id: number) => product(tensors[id]!.shape);
  const { input: from, output: to }: NormPair = norms;
  const squared = (from === 'inf' ? entries(input) : 1) * (to === '1' && !pair ? entries(output) : 1);
  return Math.sqrt(squared) * (1 + 2 ** -51);
}

function reportOf({ status, upper, lower, steepest, nodes, open, neurons }: ExactResult): ExactReport {
  return {
    ...{ status, upper, lower, nodes, open, neurons },
    ...(steepest && { steepest: { input: [...steepest.x], direction: [...steepest.v] } }),
  };
}
