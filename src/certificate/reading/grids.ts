/** Where the samples of signals lie, and what torus they need. */
import { UnsupportedError } from '../../errors.ts';
import { largest } from '../../network/extremes.ts';
import { product } from '../../network/size.ts';
import type { Sides, Signal } from './signal.ts';

/** Sets `spacing`, `room` and `wraps` of all signals; returns the extent that holds them. */
export function placeOnGrids(signals: readonly Signal[]): Sides {
  // Transposed convolutions make spacings smaller; the input's is so large that all stay whole numbers.
  const axes = signals.reduce((most, { window }) => Math.max(most, window.length), 0);
  const unit = Array.from({ length: axes }, (_, a) => product(signals.map((s) => upsampling(s, a))));
  for (const signal of signals) {
    if (signal.window.length > 0) signal.spacing = spacingOf(signal, unit.slice(0, signal.window.length));
    const { origin } = signal;
    for (const { source, map } of origin.kind === 'linear' ? origin.terms : []) {
      if (map.kind === 'read' || source.window.length === 0) continue;
      const held = map.kind === 'transposed' ? signal : source;
      const reach = (a: number) => (map.circular ? 0 : Math.max(map.before[a]!, map.after[a]!));
      held.room = held.room.map((n, a) => Math.max(n, held.window[a]! + reach(a)));
      held.wraps ||= map.circular;
    }
  }
  const images = signals.filter(({ window }) => window.length > 0);
  return unit.map((_, a) => largest(images.map(({ room, spacing }) => (room[a] ?? 0) * (spacing[a] ?? 0))));
}

function upsampling({ origin }: Signal, axis: number): number {
  const terms = origin.kind === 'linear' ? origin.terms : [];
  return Math.max(1, ...terms.map(({ map }) => (map.kind === 'transposed' ? (map.stride[axis] ?? 1) : 1)));
}

function spacingOf({ name, origin }: Signal, unit: Sides): Sides {
  switch (origin.kind) {
    case 'input':
      return unit;
    case 'sector':
      return origin.source.spacing;
    case 'maximum':
      if (origin.moved) return unit;
      if (origin.groups) return origin.source.spacing;
      return origin.source.spacing.map((s, a) => s * origin.stride![a]!);
    case 'linear': {
      const [first, ...others] = origin.terms.map(({ source, map }) =>
        source.spacing.map((s, a) => (map.kind === 'transposed' ? s / map.stride[a]! : s * map.stride[a]!)),
      );
      if (others.some((spacing) => spacing.join() !== first!.join())) {
        const found = `terms on grids of spacing ${[first!, ...others].map((s) => s.join('×')).join(' and ')}`;
        throw new UnsupportedError([{ node: name, found, reason: 'branches must meet on one grid' }]);
      }
      return first!;
    }
    default:
      throw new Error(`unknown origin ${origin satisfies never}`);
  }
}

/** Why a signal does not fit a torus, of sides in units of spacings; undefined where it fits. */
export function misfit({ name, window, spacing, room, wraps }: Signal, torus: Sides): string | undefined {
  for (const [a, samples] of room.entries()) {
    const [n, least] = [torus[a]!, samples * spacing[a]!];
    if (n >= least && n % spacing[a]! === 0 && (!wraps || n === window[a]! * spacing[a]!)) continue;
    return `${name} needs ${wraps ? 'exactly' : 'at least'} ${least} on axis ${a}, got ${n}`;
  }
  return undefined;
}
