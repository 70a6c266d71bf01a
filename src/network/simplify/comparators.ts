/**
 * Sorting as rounds of comparisons: max(a, b) = b + relu(a − b) and min(a, b) = a − relu(a − b), pair by pair, by the network of Batcher's merge
 * exchange (Knuth, The Art of Computer Programming 3, 5.2.2M). For what knows elementwise functions alone, and more of these where the
 * order of two entries is certain.
 */
import type { Network, Node, TensorId } from '../network.ts';
import type { Grouped } from '../operator.ts';
import { Rewriter } from './rewriter.ts';

/** Entries of a group that is sorted by comparisons: 21 rounds. */
export const MOST_COMPARED = 64;

/** The network with comparisons in place of sorted groups of at most `MOST_COMPARED` entries. */
export function withComparators(network: Network): Network {
  if (!network.nodes.some(isCompared)) return network;
  const rewriter = new Rewriter(network);
  for (const node of network.nodes) {
    if (isCompared(node)) compare(rewriter, node, node.operator as Grouped);
    else rewriter.copy(node);
  }
  return rewriter.finish();
}

function isCompared({ operator }: Node): boolean {
  if (operator.kind !== 'grouped' || operator.function.name !== 'sort' || operator.wide) return false;
  return operator.groups.every(({ length }) => length <= MOST_COMPARED);
}

function compare(rewriter: Rewriter, node: Node, { function: f, groups }: Grouped): void {
  const descending = f.name === 'sort' && f.descending;
  let [x] = rewriter.inputs(node);
  const channels = rewriter.shape(x!)[0]!;
  const rounds = groups.map(({ length }) => roundsOf(length));
  const count = rounds.reduce((most, { length }) => Math.max(most, length), 0);
  for (let round = 0; round < count; round++) {
    const pairs = groups.flatMap((group, g) =>
      (rounds[g]![round] ?? []).map(([i, j]) => [group[i]!, group[j]!] as const),
    );
    x = exchanged(rewriter, `${node.name} (round ${round})`, x!, channels, pairs, descending);
  }
  rewriter.stand(node.output, x!);
}

/** Every pair in order. */
function exchanged(
  rewriter: Rewriter,
  name: string,
  x: TensorId,
  channels: number,
  pairs: readonly (readonly [number, number])[],
  descending: boolean,
): TensorId {
  const add = (operator: Node['operator'], inputs: readonly TensorId[]) =>
    rewriter.add(name, operator, inputs, name);
  const picked = (k: 0 | 1) =>
    add({ kind: 'gather', sources: Int32Array.from(pairs, (pair) => pair[k]) }, [x]);
  const difference = add({ kind: 'add', coefficients: [1, -1] }, [picked(0), picked(1)]);
  const gain = add({ kind: 'nonlinearity', function: { name: 'relu' } }, [difference]);
  /** What is added to every channel: the gain, its negative, or nothing. */
  const sources = new Int32Array(channels).fill(-1);
  const [larger, smaller] = descending ? [0, 1] : [1, 0];
  for (const [g, pair] of pairs.entries()) {
    sources[pair[larger]!] = g;
    sources[pair[smaller]!] = pairs.length + g;
  }
  const both = add({ kind: 'concat' }, [gain, add({ kind: 'scale', scale: Float64Array.of(-1) }, [gain])]);
  const moved = add({ kind: 'gather', sources }, [both]);
  /** The one that is surely in the place, but for the gain: max = b + gain, min = a − gain. */
  const stays = Int32Array.from({ length: channels }, (_, channel) => channel);
  for (const pair of pairs) {
    stays[pair[larger]!] = pair[1];
    stays[pair[smaller]!] = pair[0];
  }
  return add({ kind: 'add', coefficients: [1, 1] }, [add({ kind: 'gather', sources: stays }, [x]), moved]);
}

/** Pairs that are compared at once, round by round. */
function roundsOf(n: number): (readonly [number, number])[][] {
  const rounds: (readonly [number, number])[][] = [];
  const top = 2 ** (Math.ceil(Math.log2(n)) - 1);
  for (let p = top; p >= 1; p = Math.floor(p / 2)) {
    let [q, r, d] = [top, 0, p];
    for (;;) {
      const pairs: (readonly [number, number])[] = [];
      for (let i = 0; i < n - d; i++) if ((i & p) === r) pairs.push([i, i + d]);
      if (pairs.length > 0) rounds.push(pairs);
      if (q === p) break;
      [d, q, r] = [q - p, q / 2, p];
    }
  }
  return rounds;
}
