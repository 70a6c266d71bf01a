/** Functions of whole groups of entries: softmax, norms, maxima over features, sorting, normalisation. */

import { type GroupFunction, groupDefinitionOf } from '../../../../network/groups/table.ts';
import { OWN_FIELDS, tied } from '../../../../network/lengths/follows.ts';
import { product } from '../../../../network/size.ts';
import type { Call, Signal } from '../../call.ts';
import { constantOf } from '../../values/constant.ts';
import { contracted } from '../products/contraction.ts';

const TIED = tied(
  'a function of all positions together',
  'its statistics are those of the length of the file',
);

/**
 * A function of all entries along some axes of the sample, for all others by itself. Its groups become the channels, unless they are those.
 * The result has the shape of x, or is without the axes where the function gives one number.
 */
export function alongAxes(call: Call, x: Signal, axes: readonly number[], f: GroupFunction): Signal {
  const all = [...x.shape.keys()];
  const kept = all.filter((axis) => !axes.includes(axis));
  const sides = (chosen: readonly number[]) => chosen.map((axis) => x.shape[axis]!);
  const channels = product(sides(axes));
  // Up to three axes of positions stay what they are.
  const positions = kept.length > 3 ? [product(sides(kept))] : sides(kept);
  const front = call.permuted(x, [...axes, ...kept], [channels, ...positions]);
  call.scope.budget.allocate(call.node.name, channels);
  const groups = [Int32Array.from({ length: channels }, (_, channel) => channel)];
  const y = emitGroups(call, front, f, groups, false);
  if (groupDefinitionOf(f).scalar) return call.view(y, sides(kept));
  return restored(call, y, x, [...axes, ...kept]);
}

/** As `alongAxes`, of channels and all positions together, group by group; the result has the shape of x. */
export function overPositions(
  call: Call,
  x: Signal,
  groups: readonly Int32Array[],
  f: GroupFunction,
): Signal {
  return { ...emitGroups(call, x, f, groups, true), shape: x.shape };
}

/** As the operator has it: the channels of each group, at every position or at all together. */
export function emitGroups(
  call: Call,
  x: Signal,
  f: GroupFunction,
  groups: readonly Int32Array[],
  wide: boolean,
): Signal {
  const fault = groupDefinitionOf(f).fault?.(f);
  if (fault) call.refuse(`${fault[1]}`, `no global bound exists: ${fault[0]}`);
  return call.emit({ kind: 'grouped', function: f, groups, wide }, [x], wide ? TIED : OWN_FIELDS, f.name);
}

/** What has the axes of a sample in another order, in theirs again. */
export function restored(call: Call, y: Signal, x: Signal, order: readonly number[]): Signal {
  const unfolded = call.view(
    y,
    order.map((axis) => x.shape[axis]!),
  );
  return call.permuted(
    unfolded,
    order.map((_, axis) => order.indexOf(axis)),
  );
}

/** Entries of a centring matrix beyond which a mean is taken off by the function that follows. */
const MOST_CENTRED = 2 ** 22;

/**
 * u / s(u) along axes of the sample, u = x or what is left of it beside its mean there. Where the mean can be taken off by a matrix it is: that
 * is linear, and what goes before it is bounded together with it.
 */
export function normalized(
  call: Call,
  x: Signal,
  axes: readonly number[],
  centred: boolean,
  how: Omit<Extract<GroupFunction, { readonly name: 'normalize' }>, 'name' | 'centred'>,
): Signal {
  const [axis] = axes;
  const side = x.shape[axis!]!;
  const byMatrix = centred && axes.length === 1 && side ** 2 <= MOST_CENTRED;
  const u = byMatrix ? centredAlong(call, x, axis!) : x;
  return alongAxes(call, u, axes, { name: 'normalize', centred: centred && !byMatrix, ...how });
}

/** x less its mean along an axis: I − 1 1ᵀ / n. */
function centredAlong(call: Call, x: Signal, axis: number): Signal {
  const n = x.shape[axis]!;
  call.scope.budget.allocate(call.node.name, n * n);
  const matrix = new Float64Array(n * n).fill(-1 / n);
  for (let k = 0; k < n; k++) matrix[k * n + k] = 1 - 1 / n;
  return contracted(call, x, axis, { ...constantOf('double', [n, n], matrix), roundings: 2 });
}

/** The sample with the batch among its axes where one of these is, and these axes of it. */
export function sampleAxes(call: Call, input: Signal, axes: readonly number[]): [Signal, number[]] {
  const x = input.batched && axes.includes(0) ? call.unbatched(input) : input;
  return [x, axes.map((axis) => axis - (x.batched ? 1 : 0))];
}

/** All axes from one on. */
export function axesFrom(first: number, rank: number): number[] {
  return Array.from({ length: rank - first }, (_, k) => first + k);
}
