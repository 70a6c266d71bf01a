/**
 * Multipliers of a max pooling on the boundary of D ⪰ S (docs/mathematics.md §1 and §5).
 *
 * Parameters e^θ = ê, one per channel (per output where windows are listed, per group of what is a function of groups,
 * per tied channels where entries are moved). With 1/D̂_i = Σ_{o ∋ i} g_i²/ê_o over the windows o
 * that sample i falls in, s = λ_max(D̂^{−½} S D̂^{−½}) gives the least s for which D = s D̂ dominates S; the output has the covariance
 * diag(s ê). Channels of a group whose multipliers may differ by σ have ê = E (1 + (σ − 1) t / (1 + t)), with one E = e^θ for the group and
 * one t = e^θ for each; if one group is all that lives, an ê of its own for each, and the covariance max(s ê, L² λ_max(S)/4). Where something lives on beside the pooling D must stay off the boundary: D = τ s D̂, τ = 1 + e^{θ_last}.
 */
import type { Engine, Vector } from '../../engine/engine.ts';
import { scoped } from '../../engine/scope.ts';
import { WHOLE_SPREAD } from '../../network/groups/definition.ts';
import type { MaximumStep } from '../../program/program.ts';

/** Covers the rounding of the majorant. */
const MARGIN = 1 + 1e-9;

/** An input in hardly any window has a large D̂: it is held within this of the smallest. */
const RANGE = 2 ** -40;

/** Entries of θ at a pooling, or where entries are moved to a signal of their own. */
export function poolParameters(step: MaximumStep): number {
  return freeOf(step) + (spreadOf(step)?.groups ?? 0) + (step.kept.length > 0 ? 1 : 0);
}

/** The groups of a function whose channels have multipliers of their own, which a spread keeps together. */
export function spreadOf(step: MaximumStep) {
  const { windows } = step.maximum;
  return isSpread(step) && windows.kind === 'grouped' && !isWhole(step) ? windows : undefined;
}

function isSpread({ maximum: { windows } }: MaximumStep): boolean {
  return windows.kind === 'grouped' && windows.spread > 1;
}

/** Whether one such group is all that lives: D ⪰ S and D ⪰ λ_max(S)/4 are enough then, channel by channel. */
export function isWhole(step: MaximumStep): boolean {
  const { windows } = step.maximum;
  const vector = step.source.variable.window.length === 0 && step.source.lift.length === 0;
  return (
    isSpread(step) && windows.kind === 'grouped' && windows.groups === 1 && vector && step.kept.length === 0
  );
}

/** The least entry of the image where one group is all that lives. @param radius λ_max(S) */
export function leastImage(engine: Engine, step: MaximumStep, radius: Vector): Vector {
  const steepest = step.gain.reduce((most, g) => Math.max(most, g * g), 0);
  return engine.combine([[(MARGIN * steepest) / WHOLE_SPREAD, radius]]);
}

/** Entries of ê: one per channel of a pooling, per output where windows are listed, per group or its channels, per tied channels. */
function freeOf(step: MaximumStep): number {
  const { maximum, target } = step;
  switch (maximum.windows.kind) {
    case 'listed':
      return target.rows;
    case 'grouped':
      return isSpread(step) ? target.variable.channels : maximum.windows.groups;
    case 'moved':
      return maximum.windows.readings.length;
    default:
      return target.variable.channels;
  }
}

export interface Incidence {
  /** For every row of the source the parameters it depends on, and for every parameter the rows that depend on it. */
  readonly ofSource: Int32Array[];
  readonly sourcesOf: Int32Array[];
  /** For every row of the target its parameter, and back. */
  readonly ofTarget: Int32Array[];
  readonly targetsOf: Int32Array[];
  /** g², times the overlap where windows are not listed. */
  readonly weight: Float64Array;
}

/** How a pooling’s rows depend on its parameters. */
export function incidence(step: MaximumStep): Incidence {
  const { windows, overlap } = step.maximum;
  const rows = step.source.rows;
  const square = step.gain.map((g) => g * g);
  if (windows.kind === 'listed') {
    const sourcesOf = windows.entries.map((list) => [...list]);
    const ofSource = transpose(sourcesOf, rows);
    const own = Array.from({ length: step.target.rows }, (_, k) => Int32Array.of(k));
    return {
      ofSource,
      sourcesOf: sourcesOf.map((l) => Int32Array.from(l)),
      ofTarget: own,
      targetsOf: own,
      weight: square,
    };
  }
  if (windows.kind === 'moved') {
    const { channels } = step.source.variable;
    const byChannel = transpose(windows.readings, channels);
    const ofSource = Array.from({ length: rows }, (_, k) => byChannel[k % channels]!);
    const ofTarget = Array.from({ length: step.target.rows }, (_, k) =>
      Int32Array.of(windows.tied[k % windows.tied.length]!),
    );
    return {
      ofSource,
      sourcesOf: transpose(ofSource, windows.readings.length),
      ofTarget,
      targetsOf: transpose(ofTarget, windows.readings.length),
      weight: square,
    };
  }
  const { channels } = step.target.variable;
  const own = windows.kind === 'grouped' && !isSpread(step) ? windows : undefined;
  const vector = step.source.lift.length === 0;
  const perChannel = rows / step.source.variable.channels;
  const channelOf = (row: number) =>
    vector ? Math.floor(row / perChannel) : row % step.source.variable.channels;
  const groupOf = (channel: number) => own?.ofSource[channel] ?? channel;
  const ofSource = Array.from({ length: rows }, (_, k) => Int32Array.of(groupOf(channelOf(k))));
  const ofTarget = Array.from({ length: step.target.rows }, (_, k) =>
    Int32Array.of(own?.ofTarget[k % channels] ?? k % channels),
  );
  const free = freeOf(step);
  return {
    ofSource,
    sourcesOf: transpose(ofSource, free),
    ofTarget,
    targetsOf: transpose(ofTarget, free),
    weight: square.map((g) => g * overlap),
  };
}

function transpose(lists: readonly ArrayLike<number>[], size: number): Int32Array[] {
  const result = Array.from({ length: size }, (): number[] => []);
  lists.forEach((list, k) => {
    for (const i of Array.from(list)) result[i]!.push(k);
  });
  return result.map((l) => Int32Array.from(l));
}

/** θ as what the pass works on: ê, and τ − 1 (empty where nothing lives on). */
function split(engine: Engine, step: MaximumStep, parameters: Vector) {
  const joint = step.kept.length > 0;
  const count = freeOf(step);
  const spread = spreadOf(step);
  const pick = (indices: number[]) =>
    engine.sumOver(
      parameters,
      indices.map((i) => Int32Array.of(i)),
    );
  const own = pick(Array.from({ length: count }, (_, i) => i));
  const excess = joint ? pick([poolParameters(step) - 1]) : engine.vector([0]);
  return {
    ...(spread
      ? spreadShape(engine, spread, own, pick(Array.from(spread.ofSource, (g) => count + g)))
      : { free: own }),
    excess,
    slack: engine.combine([
      [1, engine.vector([1])],
      [1, excess],
    ]),
  };
}

/** @param own t of every channel @param ofGroup E of the group that it is in */
function spreadShape(engine: Engine, { spread }: { readonly spread: number }, own: Vector, ofGroup: Vector) {
  const ones = engine.vector(new Float64Array(own.length).fill(1));
  const rest = engine.reciprocal(
    engine.combine([
      [1, ones],
      [1, own],
    ]),
  );
  const ratio = engine.combine([
    [spread, ones],
    [1 - spread, rest],
  ]);
  // d ln ê / d ln t = (σ − 1) t / (1 + t)² / ratio
  const slope = engine.multiply(engine.multiply(own, rest), engine.multiply(rest, engine.reciprocal(ratio)));
  return { free: engine.multiply(ofGroup, ratio), growth: engine.combine([[spread - 1, slope]]) };
}

/** What D and the image are up to their common factor s. */
export interface PoolShape {
  /** ê, τ − 1, τ. */
  readonly free: Vector;
  readonly excess: Vector;
  readonly slack: Vector;
  /** 1/D̂ and its root. */
  readonly inverseShape: Vector;
  readonly root: Vector;
  /** ∂ ln ê / ∂θ of every channel's own θ, where groups have spreads. */
  readonly growth?: Vector;
}

/** @param parameters e^θ */
export function poolShape(engine: Engine, step: MaximumStep, parameters: Vector): PoolShape {
  return scoped(engine, (e) => {
    const { ofSource, weight } = incidence(step);
    const { free, excess, slack, ...rest } = split(e, step, parameters);
    const sums = e.multiply(e.vector(weight), e.sumOver(e.reciprocal(free), ofSource));
    const inverseShape = e.maximum(sums, e.combine([[RANGE, e.largest(sums)]]));
    return { free, excess, slack, inverseShape, root: e.squareRoot(inverseShape), ...rest };
  });
}

/**
 * D and the covariance diag(image) of the result, for s = `boundary` ≥ λ_max(D̂^{−½} S D̂^{−½}).
 * @param radius λ_max(S), where `isWhole`
 */
export function onBoundary(
  engine: Engine,
  step: MaximumStep,
  shape: PoolShape,
  boundary: Vector,
  radius?: Vector,
) {
  const { ofTarget } = incidence(step);
  const reach = engine.combine([[MARGIN, engine.multiply(shape.slack, boundary)]]);
  const image = engine.multiply(reach, engine.sumOver(shape.free, ofTarget));
  return {
    d: engine.multiply(reach, engine.reciprocal(shape.inverseShape)),
    image: radius ? engine.maximum(image, leastImage(engine, step, radius)) : image,
  };
}
