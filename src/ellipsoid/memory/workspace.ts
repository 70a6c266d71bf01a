/**
 * How many numbers a step holds on the engine while it works on one piece of its frequencies: what a memory budget is divided by.
 * Counted after what `sweep/propagation.ts`, `sweep/chooser.ts` and the operations of the engines hold at the same time.
 */
import {
  boxValue,
  type LinearStep,
  type ReadStep,
  type Segment,
  type Step,
  totalRows,
} from '../../program/program.ts';

/** Beside the states that lie between steps. */
export interface Workspace {
  /** Entries for each frequency of the working grid before the step: pairs of numbers, or numbers where there are no axes. */
  readonly each: number;
  /** Numbers, however many frequencies. */
  readonly fixed: number;
  /** Of those, what stays while the states of further pieces before the step are recomputed: the sum so far. */
  readonly held: number;
}

/** Sides of the blocks that the inverse of larger matrices is made of on a GPU, and the strips it holds of them. */
const BLOCK = 64;
const STRIPS = 2;
const blocks = (rows: number) => (rows > BLOCK ? BLOCK * STRIPS * rows + BLOCK ** 2 : 0);
/** Matrices on the way to a bound on the error of an inverse: only float32 takes its residual (`rounding/inverse.ts`). */
const residuals = (bytesPerNumber: number) => (bytesPerNumber < 8 ? 6 : 1);

/**
 * @param k the number of steps: what reading the last covariance takes
 * @param slice numbers of a dense matrix that go to the engine at a time
 */
export function workspace(segment: Segment, k: number, slice: number, bytesPerNumber: number): Workspace {
  const step = segment.steps[k];
  switch (step?.kind) {
    case undefined: {
      const last = segment.steps.at(-1);
      return { each: radius(totalRows(last ? last.after : segment.start)), fixed: 0, held: 0 };
    }
    case 'linear':
      return linear(segment, k, step, slice);
    case 'read': {
      const rows = totalRows(step.after);
      // The sum so far, a piece's share of it and their sum, and on a GPU the parts of that share.
      return { each: symbolAndHalf(step), fixed: 8 * rows ** 2, held: rows ** 2 };
    }
    case 'nonlinearity':
    case 'maximum': {
      const argument = step.source.rows;
      const kept = totalRows(step.kept);
      const inverse = 2 * argument ** 2 + blocks(argument);
      const joint = kept > 0 ? argument ** 2 + 3 * kept ** 2 + 4 * kept * argument : 0;
      const own =
        totalRows(step.before) ** 2 +
        inverse +
        residuals(bytesPerNumber) * argument ** 2 +
        joint +
        2 * totalRows(step.after) ** 2;
      const score = scoring(segment, k, step, slice, bytesPerNumber);
      // The symbol that was made last stays for whoever asks for it next.
      const symbol = Math.max(symbolAtHand(segment, k - 1, slice), symbolAtHand(segment, k + 1, slice));
      return { each: symbol + Math.max(own, score.each), fixed: score.fixed, held: 0 };
    }
    default:
      return step satisfies never;
  }
}

/** Distinct taps of a step, at most; 0 for vectors. */
export function tapCount(segment: Segment, step: LinearStep | ReadStep): number {
  if (segment.axes === 0) return 0;
  const product = (sides: readonly number[]) => sides.reduce((p, n) => p * n, 1);
  return step.terms.reduce((sum, placed) => {
    const { term, source, target } = placed;
    const { map } = term;
    switch (map.kind) {
      case 'identity':
        return sum + 1;
      case 'convolution':
      case 'transposed':
        if (step.kind === 'linear' && boxValue(placed, step.ratio) !== undefined) return sum + 1;
        return (
          sum + product(map.kernel.sides.map((n, a) => n + Math.max(source.lift[a]!, target.lift[a]!) - 1))
        );
      case 'total':
        return sum + (source.lift.every((f) => f === 1) ? 1 : product(source.variable.window));
      case 'read':
      case 'pick':
        return sum + product(source.variable.window);
      default:
        return map satisfies never;
    }
  }, 0);
}

/** Whether step k is applied by slices of its columns where it does not go to the engine in one: a dense matrix to white input. */
export function goesByColumns(segment: Segment, k: number): boolean {
  return segment.axes === 0 && segment.white && k === 0 && segment.steps[0]?.kind === 'linear';
}

/** Entries of what is kept of a step's symbol once it is made. */
function symbolAtHand(segment: Segment, k: number, slice: number): number {
  const whole = entries(segment.steps[k]);
  return goesByColumns(segment, k) && whole > slice ? 0 : whole;
}

/** Entries of a step's symbol. */
export function entries(step: Step | undefined): number {
  if (step?.kind !== 'linear' && step?.kind !== 'read') return 0;
  return totalRows(step.before) * totalRows(step.after);
}

function linear(segment: Segment, k: number, step: LinearStep, slice: number): Workspace {
  const rows = totalRows(step.after);
  if (segment.axes === 0) {
    // By slices of columns: two sums and a slice's share of them.
    if (goesByColumns(segment, k))
      return { each: 4 * rows ** 2 + 2 * Math.min(entries(step), Math.max(slice, rows)), fixed: 0, held: 0 };
    return { each: 2 * entries(step) + 2 * rows ** 2, fixed: 0, held: 0 };
  }
  const copies = step.ratio.reduce((p, r) => p * r, 1);
  // With the covariance of which rounding has been added to the diagonal.
  const raised = Math.max(symbolAndHalf(step) + rows ** 2, entries(step) + (1 + 2 / copies) * rows ** 2);
  // Stretched, widened, and with what both may lose (`anyLength/gap.ts`).
  const each = raised + (segment.interpolation ? 3 * rows ** 2 : 0);
  // Where not all frequencies that alias to one are in a piece: the mean so far, and that with one more piece.
  const held = copies === 1 ? 0 : 2 * rows ** 2;
  return { each: each + tapCount(segment, step), fixed: 2 * held, held };
}

/** W and W Σ; or W, one slice of its taps more, and both together. */
function symbolAndHalf(step: LinearStep | ReadStep): number {
  return 3 * entries(step);
}

/** The state after a trial, and what the covariance after the next step takes. */
function scoring(
  segment: Segment,
  k: number,
  step: Step,
  slice: number,
  bytesPerNumber: number,
): Omit<Workspace, 'held'> {
  const rows = totalRows(step.after);
  const next = segment.steps[k + 1];
  if (next?.kind !== 'linear' && next?.kind !== 'read') return { each: rows ** 2 + radius(rows), fixed: 0 };
  const { each, fixed } = workspace(segment, k + 1, slice, bytesPerNumber);
  if (next.kind === 'read') return { each: rows ** 2 + each, fixed };
  return { each: rows ** 2 + Math.max(each, radius(totalRows(next.after))), fixed };
}

/** Of matrices at hand: a copy and two powers, as on a GPU. */
function radius(rows: number): number {
  return 3 * rows ** 2;
}
