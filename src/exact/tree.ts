/** One way to go through all inputs of a domain: nodes that wait, and the most that is proven of those that do not. */
import { Heap } from './heap.ts';
import type { Leaves, Side } from './record.ts';
import type { State } from './state.ts';

/** Every so many nodes the search goes down to a leaf. */
const BETWEEN_DIVES = 20;

export interface Node {
  readonly state: State;
  readonly logarithms: Float64Array;
  /** As computed. */
  bound: number;
  /** Proven for the node, or for one above it. */
  proven: number;
  /** log D that proved it. */
  by: Float64Array;
  /** Where it is among the splits. */
  side: Side | undefined;
  /** Keys of the rows that decided its programs. */
  support: Int32Array | undefined;
}

export class Tree {
  /** Whether units are fixed level by level: of few inputs there are not many regions, and what is fixed so needs no relaxation. */
  readonly byLevel: boolean;
  /** Of the nodes that do not wait. */
  readonly leaves: Leaves;
  readonly #queue = new Heap<Node>((a, b) => a.bound > b.bound);
  /** Where the search is on its way down. */
  #dive: Node | undefined;
  #isDiving = false;
  /** The largest bound of what has been closed. */
  #closed = 0;
  #taken = 0;

  constructor(nodes: readonly Node[], byLevel: boolean, leaves: Leaves) {
    this.byLevel = byLevel;
    this.leaves = leaves;
    for (const node of nodes) this.#queue.push(node);
  }

  /** Nodes that wait. */
  get open(): number {
    return this.#queue.size + (this.#dive ? 1 : 0);
  }

  /** As computed: nothing is above this. */
  get upper(): number {
    return Math.max(this.#closed, this.#queue.peek()?.bound ?? 0, this.#dive?.bound ?? 0);
  }

  take(): Node {
    const node = this.#dive ?? this.#queue.pop()!;
    this.#isDiving = this.#dive !== undefined || this.#taken++ % BETWEEN_DIVES === 0;
    this.#dive = undefined;
    return node;
  }

  /** What has become of the node that was taken. */
  put(children: readonly Node[]): void {
    for (const child of children) {
      if (!this.#isDiving) this.#queue.push(child);
      else if (!this.#dive) this.#dive = child;
      else if (child.bound > this.#dive.bound) {
        this.#queue.push(this.#dive);
        this.#dive = child;
      } else this.#queue.push(child);
    }
  }

  /** Counts a node as done. */
  close({ proven, by, side, state }: Node): void {
    this.#closed = Math.max(this.#closed, proven);
    this.leaves.bounded(side, state, by);
  }

  /** The bound of all, proven; no node is left thereafter. @param prove of a node alone */
  finish(prove: (node: Node) => void): number {
    if (this.#dive) this.#queue.push(this.#dive);
    this.#dive = undefined;
    for (let node = this.#queue.pop(); node; node = this.#queue.pop()) {
      if (node.proven > this.#closed) prove(node);
      this.close(node);
    }
    return this.#closed;
  }
}
