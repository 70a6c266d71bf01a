/** A segment on a torus in a pass with held multipliers, piece by piece of its frequencies. */
import type { Engine, Matrices } from '../../../engine/engine.ts';
import { lent, scoped } from '../../../engine/scope.ts';
import type { MaximumStep, Segment } from '../../../program/program.ts';
import { totalRows } from '../../../program/program.ts';
import { onBoundary, poolShape } from '../../multipliers/boundary.ts';
import { exponential } from '../../multipliers/relative.ts';
import { affine, type State } from '../../rules/affine.ts';
import { argument } from '../../rules/nonlinearity.ts';
import type { Summed } from '../gradient/differentiablePass.ts';
import { asMatrices, copiesOf, lastLayout, opening } from '../states.ts';
import { type LargestEnd, largestEnd, type SumEnd, sumEnd } from './ends.ts';
import { type Held, raised } from './held.ts';
import { masked } from './masked.ts';
import { nonlinearPiece } from './nonlinearPiece.ts';
import type { Joint, Place, Through } from './place.ts';
import type { Seen } from './seen.ts';

export interface TorusOptions {
  readonly raise: boolean;
  readonly beside: Summed | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What the pieces of a segment come to, nonlinear step by nonlinear step; a pooling that ends it is none of these. */
interface Notes {
  /** ln ρ of the frequencies seen; undefined at poolings. */
  readonly rowSums: (Float64Array | undefined)[];
  readonly tightness: Float64Array[];
  readonly left: Int32Array;
  /** As given, then raised. */
  readonly held: Held[];
}

type End = (SumEnd | LargestEnd) & { readonly exponent: number };

/** @param given those of this segment's steps first */
export async function throughTorus(
  engine: Engine,
  place: Place,
  joint: Joint,
  given: readonly Held[],
  options: TorusOptions,
): Promise<Through> {
  const { segment, pieces } = place;
  const counts = pieces.map(({ frequencies }) => frequencies.at(-1)!.count);
  const count = counts.reduce((a, b) => a + b, 0);
  const inner = innerSteps(segment);
  const notes: Notes = {
    rowSums: new Array<undefined>(inner).fill(undefined),
    tightness: Array.from({ length: inner }, () => new Float64Array(count)),
    left: new Int32Array(count).fill(-1),
    held: given.slice(0, inner),
  };
  const state = scoped(engine, (e) => opening(e, segment, joint.state));
  const last = given[inner];
  const found: End[] = [];
  let first = 0;
  for (const [piece, own] of counts.entries()) {
    const part = { notes, last, first, end: first + own };
    found.push(await onePiece(engine, place, { ...joint, state }, piece, part, options));
    first += own;
  }
  if (state && state !== joint.state) engine.release(state);
  const theta = notes.held.map((held, k) => {
    if (held.kind !== 'multipliers') return thetaAt(held);
    const sums = notes.rowSums[k]!;
    // A row without covariance has no multiplier of its own.
    return held.logarithms.map((d, i) =>
      sums[i]! > -Infinity ? d + joint.carry - sums[i]! : Math.log(4 / 3),
    );
  });
  const feasible = notes.left.every((k) => k < 0);
  const end = joined(engine, place, found, joint.carry, last, options.beside);
  return {
    joint: end.joint,
    theta: [...theta, ...(end.held ? [thetaAt(end.held)] : [])],
    held: [...notes.held.map((held) => raised(held, joint.carry)), ...(end.held ? [end.held] : [])],
    ...(end.squared === undefined ? {} : { squared: end.squared }),
    feasible,
    seen: { tightness: notes.tightness, left: notes.left, ...end.seen },
  };
}

/** Nonlinear steps behind which a segment goes on. */
function innerSteps({ steps }: Segment): number {
  return steps.filter((step) => step.kind === 'nonlinearity' || (step.kind === 'maximum' && !step.cut))
    .length;
}

/** One piece of the frequencies, from the segment's start to its end. */
function onePiece(
  outer: Engine,
  { segment, pieces, symbols }: Place,
  joint: Joint,
  piece: number,
  {
    notes,
    first,
    end,
    last,
  }: { readonly notes: Notes; readonly first: number; readonly end: number; readonly last: Held | undefined },
  { raise, signal }: TorusOptions,
): Promise<End> {
  return lent(outer, async (engine) => {
    const { frequencies } = pieces[piece]!;
    const left = notes.left.subarray(first, end);
    let { state, exponent } = joint;
    let name = 0;
    for (const [k, step] of segment.steps.entries()) {
      const before: State = state;
      const { count } = frequencies[k]!;
      const matrices = () => asMatrices(engine, before, totalRows(step.before), true);
      switch (step.kind) {
        case 'linear':
          state = symbols.with(k, piece, (symbol) =>
            scoped(engine, (e) => affine(e, symbol, before, copiesOf(step))),
          );
          exponent += 2 * symbols.tapsOf(k).exponent;
          break;
        case 'read': {
          const sum = await symbols.with(k, piece, (symbol) =>
            sumEnd(engine, symbol, before, frequencies[k]!, left, signal),
          );
          return { ...sum, exponent: exponent + 2 * symbols.tapsOf(k).exponent };
        }
        case 'maximum':
        case 'nonlinearity': {
          if (step.kind === 'maximum' && step.cut) {
            const shaped = shapedArgument(
              engine,
              step,
              thetaAt(last),
              masked(engine, matrices(), left, count),
            );
            return { ...(await largestEnd(engine, shaped, left.length, signal)), exponent };
          }
          const after = await nonlinearPiece(
            ...([engine, step, notes.held[name]!, joint.carry] as const),
            ...([
              { state: matrices(), exponent, count, left, name },
              { raise, signal },
            ] as const),
          );
          ({ state, exponent } = after);
          notes.held[name] = after.held;
          notes.tightness[name]!.set(after.tightness, first);
          const sums = notes.rowSums[name];
          notes.rowSums[name] = sums ? sums.map((x, i) => Math.max(x, after.rowSums![i]!)) : after.rowSums;
          name++;
          break;
        }
        default:
          step satisfies never;
      }
      if (before && before !== joint.state && before !== state) engine.release(before);
    }
    const output = asMatrices(engine, state, totalRows(lastLayout(segment)), true);
    const seen = masked(engine, output, left, frequencies.at(-1)!.count);
    return { ...(await largestEnd(engine, seen, left.length, signal)), exponent };
  });
}

function thetaAt(held: Held | undefined): Float64Array {
  if (held?.kind !== 'boundary') throw new Error('held multipliers: of another step');
  return held.theta;
}

/** D̂^{−½} S D̂^{−½} at the pooling that ends a segment. */
function shapedArgument(engine: Engine, step: MaximumStep, theta: Float64Array, state: Matrices): Matrices {
  return scoped(engine, (e) => {
    const { root } = poolShape(e, step, exponential(e, theta));
    return e.scaleSides(argument(e, state, step.source), root, root);
  });
}

interface Joined {
  readonly joint: Joint;
  readonly seen: Pick<Seen, 'share' | 'end' | 'sum'>;
  /** Of the pooling at the end, where it is one. */
  readonly held?: Held;
  readonly squared?: number;
}

/** Of a pooling without covariance: as small as `dominating` makes D (`closedForms.ts`). */
const LEAST_LEFT = 2 ** -400;

/** What the ends of all pieces come to. @param given of the pooling at the end, where it is one */
function joined(
  engine: Engine,
  { segment }: Place,
  pieces: readonly End[],
  carry: number,
  given: Held | undefined,
  beside: Summed | undefined,
): Joined {
  const last = segment.steps.at(-1);
  const { exponent } = pieces[0]!;
  const sums = pieces.filter((end) => end.kind === 'sum');
  if (sums.length > 0) {
    const entries = sums[0]!.sum.map((_, i) => sums.reduce((total, end) => total + end.sum[i]!, 0));
    const traces = joinedArrays(sums.map((end) => end.traces));
    const all = traces.reduce((a, b) => a + b, 0);
    const rows = totalRows(last!.after);
    const added = beside
      ? entries.map((x, i) => x + beside.entries[i]! * 2 ** (beside.exponent - exponent))
      : entries;
    return {
      joint: { state: engine.matrices(added, 1, rows, rows, false), exponent, carry },
      seen: { share: traces.map((t) => t / all), end: 'sum', sum: { entries, exponent } },
    };
  }
  const ends = pieces.filter((end) => end.kind === 'largest');
  const found = ends.reduce((most, end) => Math.max(most, end.largest), 0);
  const share = joinedArrays(ends.map((end) => end.each)).map((x) => x / found);
  if (last?.kind !== 'maximum' || given?.kind !== 'boundary') {
    return {
      joint: { state: undefined, exponent, carry },
      seen: { share, end: 'largest' },
      squared: Math.log(found) + exponent * Math.LN2,
    };
  }
  // What has no covariance leaves some, as a row without any has a multiplier: there is no logarithm of 0.
  const largest = found === 0 ? LEAST_LEFT : found;
  const logarithm = Math.log(largest) + exponent * Math.LN2;
  const unit = Math.floor(Math.log2(largest));
  const state = scoped(engine, (e) => {
    const shape = poolShape(e, last, exponential(e, given.theta));
    return onBoundary(e, last, shape, e.vector([largest * 2 ** -unit])).image;
  });
  return {
    joint: { state, exponent: exponent + unit, carry: logarithm - given.logarithm },
    seen: { share, end: 'largest' },
    held: { ...given, logarithm },
  };
}

function joinedArrays(arrays: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(arrays.reduce((sum, a) => sum + a.length, 0));
  let at = 0;
  for (const a of arrays) {
    all.set(a, at);
    at += a.length;
  }
  return all;
}
