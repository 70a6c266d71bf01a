/** Maxima as rounds of a tournament: max(a, b) = b + relu(a − b), pair by pair, for what knows linear maps and elementwise functions alone. */
import { listedWindows, type MaximumOperator } from '../evaluation/gather.ts';
import type { Network, Node, TensorId } from '../network.ts';
import { Rewriter } from './rewriter.ts';

/** One round: of every window pairs are compared, and one that is left over stays. */
export interface Round {
  /** Entries that are compared, by pairs. */
  readonly first: Int32Array;
  readonly second: Int32Array;
  /** Who stays, and which of the gains relu(first − second) is added to them; −1: none. */
  readonly stays: Int32Array;
  readonly plus: Int32Array;
  /** The windows of the next round, entries of what stays. */
  readonly next: readonly (readonly number[])[];
}

export function roundOf(windows: readonly (readonly number[])[]): Round {
  const [first, second, stays, plus]: [number[], number[], number[], number[]] = [[], [], [], []];
  const next: number[][] = [];
  for (const window of windows) {
    const after: number[] = [];
    for (let k = 0; k < window.length; k += 2) {
      after.push(stays.length);
      if (k + 1 === window.length) {
        stays.push(window[k]!);
        plus.push(-1);
      } else {
        plus.push(first.length);
        first.push(window[k]!);
        second.push(window[k + 1]!);
        stays.push(window[k + 1]!);
      }
    }
    next.push(after);
  }
  const [a, b, c, d] = [first, second, stays, plus].map((list) => Int32Array.from(list));
  return { first: a!, second: b!, stays: c!, plus: d!, next };
}

/** The network with rounds in place of max pools and maxima of lists. */
export function withTournaments(network: Network): Network {
  if (!network.nodes.some(isMaximum)) return network;
  const rewriter = new Rewriter(network);
  for (const node of network.nodes) {
    if (isMaximum(node)) play(rewriter, node);
    else rewriter.copy(node);
  }
  return rewriter.finish();
}

function isMaximum<N extends Node>(node: N): node is N & { readonly operator: MaximumOperator } {
  const { kind } = node.operator;
  return kind === 'max-pool' || kind === 'max-gather' || kind === 'global-max-pool';
}

function play(rewriter: Rewriter, node: Node & { readonly operator: MaximumOperator }): void {
  const { name, operator } = node;
  let [x] = rewriter.inputs(node);
  const target = rewriter.old.tensors[node.output]!.shape;
  let windows: Round['next'] = listedWindows(operator, rewriter.shape(x!), target).map((all) => [...all]);
  const add = (one: Node['operator'], inputs: readonly TensorId[]) => rewriter.add(name, one, inputs, name);
  const picked = (from: TensorId, sources: Int32Array, shape: readonly number[] = [sources.length]) =>
    add({ kind: 'gather', sources, shape }, [from]);
  do {
    const { first, second, stays, plus, next } = roundOf(windows);
    const kept = picked(x!, stays);
    if (first.length > 0) {
      const rivals = [picked(x!, first), picked(x!, second)];
      const lead = add({ kind: 'add', coefficients: [1, -1] }, rivals);
      const gain = add({ kind: 'nonlinearity', function: { name: 'relu' } }, [lead]);
      x = add({ kind: 'add', coefficients: [1, 1] }, [kept, picked(gain, plus)]);
    } else x = kept;
    windows = next;
  } while (windows.some(({ length }) => length > 1));
  // Windows are in the order of the output's entries.
  rewriter.stand(
    node.output,
    picked(
      x!,
      Int32Array.from(windows, ([at]) => at!),
      target,
    ),
  );
}
