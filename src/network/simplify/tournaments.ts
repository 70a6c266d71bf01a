/** Maxima as rounds of a tournament: max(a, b) = b + relu(a − b), pair by pair, for what knows linear maps and elementwise functions alone. */
import { listedWindows } from '../evaluation/gather.ts';
import { placedGroups } from '../groups/grouped.ts';
import type { Network, Node, TensorId } from '../network.ts';
import type { Operator } from '../operator.ts';
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

/** What a maximum is taken of, output by output; undefined for what is none. */
export function windowsOfMaximum(
  operator: Operator,
  input: readonly number[],
  output: readonly number[],
): number[][] | undefined {
  switch (operator.kind) {
    case 'max-pool':
    case 'max-gather':
    case 'global-max-pool':
      return listedWindows(operator, input, output).map((window) => [...window]);
    case 'grouped':
      if (operator.function.name !== 'max') return undefined;
      return placedGroups(operator, input).map(({ sources }) => [...sources]);
    default:
      return undefined;
  }
}

/** The network with rounds in place of max pools and maxima of lists and groups. */
export function withTournaments(network: Network): Network {
  const rewriter = new Rewriter(network);
  let found = false;
  for (const node of network.nodes) {
    const [input] = rewriter.inputs(node);
    const target = network.tensors[node.output]!.shape;
    const windows = windowsOfMaximum(node.operator, rewriter.shape(input!), target);
    if (windows) play(rewriter, node, input!, windows);
    else rewriter.copy(node);
    found ||= windows !== undefined;
  }
  return found ? rewriter.finish() : network;
}

function play(rewriter: Rewriter, node: Node, input: TensorId, all: number[][]): void {
  const { name } = node;
  const target = rewriter.old.tensors[node.output]!.shape;
  let x = input;
  let windows: Round['next'] = all;
  const add = (one: Node['operator'], inputs: readonly TensorId[]) => rewriter.add(name, one, inputs, name);
  const picked = (from: TensorId, sources: Int32Array, shape: readonly number[] = [sources.length]) =>
    add({ kind: 'gather', sources, shape }, [from]);
  do {
    const { first, second, stays, plus, next } = roundOf(windows);
    const kept = picked(x, stays);
    if (first.length > 0) {
      const rivals = [picked(x, first), picked(x, second)];
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
      x,
      Int32Array.from(windows, ([at]) => at!),
      target,
    ),
  );
}
