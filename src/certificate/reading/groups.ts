/** Functions of groups of entries as signals; where groups are sorted (docs/mathematics.md §1), with sums that stay what they are. */
import { groupedLipschitz, groupedSpread, groupsOfChannels } from '../../network/groups/grouped.ts';
import type { Grouped } from '../../network/operator.ts';
import { everyAxis } from '../../network/size.ts';
import type { Linear, Put, Sides, Signal, SignalMap } from './signal.ts';

/** Adds a signal on the grid of what the operator reads, with so many channels. */
type Add = (suffix: string, channels: number, origin: Signal['origin']) => Signal;

export function groupsOf(operator: Grouped, source: Signal, shape: Sides, add: Add): Signal {
  const sorted = sortedSize(operator, source);
  if (sorted !== undefined) return sortedGroups(operator, sorted, source, add);
  const { ofSource, ofTarget } = groupsOfChannels(operator);
  const gain = [groupedLipschitz(operator, [source.channels, ...source.window])];
  return add('', shape[0]!, {
    ...{ kind: 'maximum', role: 'maximum', source, gain, overlap: 1 },
    groups: { ofSource, ofTarget, spread: groupedSpread(operator) },
  });
}

/** Groups of more than two in longer vectors are taken as a function that is 1-Lipschitz, and no more. */
const LONGEST = 2048;

/** The size of the groups that are sorted, if that is one for all, and they are split into sums and differences. */
function sortedSize(
  { function: f, groups, wide }: Grouped,
  { channels, window }: Signal,
): number | undefined {
  const sizes = new Set(groups.map(({ length }) => length));
  const [size] = sizes;
  if (f.name !== 'sort' || wide || sizes.size !== 1 || size! < 2) return undefined;
  return size! > 2 && window.length === 0 && channels > LONGEST ? undefined : size;
}

function sortedGroups({ function: f, groups }: Grouped, n: number, source: Signal, add: Add): Signal {
  const mixed = (of: Signal, entries: (put: Put) => void): Linear['terms'][number] => ({
    source: of,
    map: matrix(of, entries),
  });
  const sums = (put: Put) => {
    for (const [g, group] of groups.entries()) for (const channel of group) put(g, channel, 1);
  };
  const makeSums = () => add(' (sums)', groups.length, { kind: 'linear', terms: [mixed(source, sums)] });
  if (n === 2) {
    const differences = add(' (differences)', groups.length, {
      kind: 'linear',
      terms: [
        mixed(source, (put) => {
          for (const [g, [a, b]] of groups.entries()) {
            put(g, a!, 1);
            put(g, b!, -1);
          }
        }),
      ],
    });
    const moduli = add('', groups.length, {
      ...{ kind: 'sector', role: 'nonlinearity', source: differences, lower: [-1], upper: [1] },
    });
    // The larger is half the sum and half the modulus of the difference.
    const half = (sign: number) => (put: Put) => {
      for (const [g, pair] of groups.entries()) {
        const [larger, smaller] = f.name === 'sort' && f.descending ? pair : [...pair].reverse();
        put(larger!, g, 0.5);
        put(smaller!, g, 0.5 * sign);
      }
    };
    const terms = [mixed(makeSums(), half(1)), mixed(moduli, half(-1))];
    return add(' (sorted)', source.channels, { kind: 'linear', terms, sorted: true });
  }
  const differences = add(' (differences)', source.channels, {
    kind: 'linear',
    terms: [
      mixed(source, (put) => {
        for (const group of groups)
          for (const i of group) for (const j of group) put(i, j, i === j ? n - 1 : -1);
      }),
    ],
  });
  const ofSource = new Int32Array(source.channels);
  for (const [g, group] of groups.entries()) for (const channel of group) ofSource[channel] = g;
  const ordered = add('', source.channels, {
    ...{ kind: 'maximum', role: 'maximum', source: differences, gain: [1], overlap: 1 },
    groups: { ofSource, ofTarget: ofSource, spread: 1 },
  });
  const spread = (put: Put) => {
    for (const [channel, g] of ofSource.entries()) put(channel, g, 1 / n);
  };
  // What is in order still adds up to 0, of which its multiplier knows nothing.
  const balanced = (put: Put) => {
    for (const group of groups)
      for (const i of group) for (const j of group) put(i, j, (i === j ? n - 1 : -1) / n ** 2);
  };
  const terms = [mixed(makeSums(), spread), mixed(ordered, balanced)];
  return add(' (sorted)', source.channels, { kind: 'linear', terms, sorted: true });
}

/** The same matrix at every sample. */
function matrix({ window }: Signal, entries: (put: Put) => void): SignalMap {
  const [zeros, ones] = [everyAxis(window.length, 0), everyAxis(window.length, 1)];
  const taps = [{ offset: zeros, entries }];
  return { kind: 'window', taps, stride: ones, before: zeros, after: zeros, circular: false };
}
