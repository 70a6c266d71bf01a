/** Linear maps between polyphase components. */
import { indices } from '../../network/size.ts';
import type { Put, Sides, SignalMap } from './signal.ts';

/**
 * The samples of a signal, `spacing` units apart, on a grid that is coarser: sample f k + p is phase p at position k, f = grid /
 * spacing. Rows run over phases, then over channels.
 */
export interface Phases {
  readonly spacing: Sides;
  readonly grid: Sides;
  readonly channels: number;
}

export const liftOf = ({ spacing, grid }: Phases) => grid.map((g, a) => g / spacing[a]!);

/**
 * Entries of a map as `at(u)` takes them, u the position on the source's grid that is read, counted from where the target's
 * position 0 stands.
 */
export function polyphase(map: SignalMap, source: Phases, target: Phases, at: (offset: Sides) => Put): void {
  const lift = liftOf(source);
  const reach = map.kind === 'transposed' ? target.spacing.map((s) => -s) : source.spacing;
  for (const { offset, entries } of map.taps) {
    for (const [p, phase] of indices(liftOf(target)).entries()) {
      // Where it reads, in units. A transposed map reads where there is a sample.
      const from = reach.map((s, a) => phase[a]! * target.spacing[a]! + s * (offset[a] ?? 0));
      if (from.some((x, a) => x % source.spacing[a]! !== 0)) continue;
      const u = from.map((x, a) => Math.floor(x / source.grid[a]!));
      const rest = from.map((x, a) => (x - u[a]! * source.grid[a]!) / source.spacing[a]!);
      const q = rest.reduce((k, x, a) => k * lift[a]! + x, 0);
      const put = at(u);
      entries((row, column, value, magnitude) =>
        put(p * target.channels + row, q * source.channels + column, value, magnitude),
      );
    }
  }
}
