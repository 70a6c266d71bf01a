/** Branch and bound (docs/mathematics.md §10). */
import { Breath } from '../breath.ts';
import { InputError } from '../errors.ts';
import { descend, descendingFromScratch } from './above/descent.ts';
import { Ellipsoid } from './above/ellipsoid.ts';
import { Prover } from './above/proven.ts';
import { Steepest, type SteepPoint } from './below/steepest.ts';
import { type Domain, everywhere } from './domain.ts';
import { Cone } from './empty/cone.ts';
import { flatProof } from './empty/flat.ts';
import { MinimumNorm } from './empty/minimumNorm.ts';
import { refutes } from './empty/refutation.ts';
import { Refuter } from './empty/refuter.ts';
import type { Form } from './form/form.ts';
import { RangePass, type Ranges, unknownRanges } from './ranges.ts';
import { type Emptiness, Leaves, type TreeLeaf, type TreeNode } from './record.ts';
import { type Beginning, logarithmsOf, partsOf, refutationOf } from './resume.ts';
import { copyOf, isFixed, openState, type State } from './state.ts';
import { type Node, Tree } from './tree.ts';

/** Of the barrier and the evaluations that a node has. */
const BARRIER = 1e-3;
const EVALUATIONS = 4;
/** With so few inputs either order of units may be the better one by far: both are gone through in turn, and share what they find. */
const FEW_INPUTS = 6;
/** The tree that is ahead has all turns but every so many. */
const TURNS = 4;
/** Bounds below this part of the first are not told apart. */
const NEXT_TO_NOTHING = 1e-12;
/** Nodes that wait at most. */
const MOST_OPEN = 200_000;

export interface SearchOptions {
  /** It ends where the bound is at most (1 + gap) times the slope that is attained. */
  readonly gap: number;
  readonly seed: number;
  /** Whether it is time to stop. */
  readonly isOver: () => boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ExactProgress) => void) | undefined;
  /** Where it goes on. */
  readonly beginning?: Beginning | undefined;
}

export interface ExactProgress {
  readonly lower: number;
  readonly upper: number;
  /** Nodes that have been looked at, and that wait. */
  readonly nodes: number;
  readonly open: number;
}

export interface SearchResult {
  /** Proven, rounding included: the Lipschitz constant lies between them. */
  readonly lower: number;
  readonly upper: number;
  readonly steepest: SteepPoint | undefined;
  readonly ending: 'closed' | 'stopped' | 'full';
  readonly nodes: number;
  readonly open: number;
  /** What proves the upper bound; undefined where it is too much to be kept. */
  readonly tree: readonly TreeNode[] | undefined;
  readonly statistics: Statistics;
}

export interface Statistics {
  programs: number;
  empty: number;
  implied: number;
  undecided: number;
  leaves: number;
  root: number;
  flat: number;
}

export class Search {
  readonly #form: Form;
  readonly #domain: Domain;
  readonly #options: SearchOptions;
  readonly #ellipsoid: Ellipsoid;
  readonly #prover: Prover;
  readonly #passes: RangePass;
  readonly #ranges: Ranges;
  /** Of the state at hand, and of one beside it. */
  #cone: Cone;
  #other: Cone;
  readonly #solver = new MinimumNorm();
  /** Of the state at hand without its domain, each row where it is: for networks without biases. */
  readonly #bare: Cone;
  /** Of the state at hand, each row where it is. */
  readonly #plain: Cone;
  readonly #plainSolver = new MinimumNorm();
  #level = 0;
  /** Of the tree at hand. */
  #leaves: Leaves;
  /** Of what was last found to be empty. */
  #emptiness: Emptiness = { kind: 'unreachable' };
  readonly #refuter: Refuter;
  readonly #bareRefuter: Refuter;
  readonly #steepest: Steepest;
  readonly #levels: number;
  #nodes = 0;
  readonly #statistics: Statistics = {
    programs: 0,
    empty: 0,
    implied: 0,
    undecided: 0,
    leaves: 0,
    root: 0,
    flat: 0,
  };

  constructor(form: Form, domain: Domain, options: SearchOptions) {
    this.#form = form;
    this.#options = options;
    this.#ellipsoid = new Ellipsoid(form);
    this.#prover = new Prover(form);
    this.#passes = new RangePass(form, domain);
    const { length } = form.units;
    this.#ranges = { low: new Float64Array(length), high: new Float64Array(length) };
    this.#cone = new Cone(form, domain);
    this.#other = new Cone(form, domain);
    const all = everywhere(form.inputs);
    this.#bare = new Cone(form, all, 0);
    this.#plain = new Cone(form, domain, 0);
    this.#domain = domain;
    this.#refuter = new Refuter(form, domain);
    this.#bareRefuter = new Refuter(form, all);
    this.#steepest = new Steepest(form, domain, options.seed);
    this.#levels = form.units.at(-1)?.level ?? 0;
    this.#leaves = new Leaves(form);
  }

  async run(): Promise<SearchResult> {
    const breath = new Breath(this.#options.signal);
    const { beginning } = this.#options;
    const root = await this.#root(breath);
    const nodes = beginning ? await this.#begun(root, beginning, breath) : [this.#settled(root)];
    const trees = this.#trees(nodes);
    for (const _ of this.#steepest.sample()) {
      await breath.taken();
      if (this.#options.isOver()) break;
    }
    let climbed = this.#steepest.slope;
    let ending: SearchResult['ending'] = 'closed';
    for (let turn = 1; trees.every(({ open }) => open > 0); turn++) {
      await breath.taken();
      const ahead = trees.reduce((best, tree) => (tree.upper < best.upper ? tree : best));
      this.#report(ahead.open, ahead.upper);
      const over = this.#options.isOver();
      if (over || trees.some(({ open }) => open > MOST_OPEN)) {
        ending = over ? 'stopped' : 'full';
        break;
      }
      this.#step(turn % TURNS === 0 ? (trees.find((tree) => tree !== ahead) ?? ahead) : ahead);
      if (this.#steepest.slope > climbed * (1 + 1e-9)) {
        for (const _ of this.#steepest.climb(this.#steepest.best!.x)) await breath.taken();
        climbed = this.#steepest.slope;
      }
    }
    const open = Math.min(...trees.map((tree) => tree.open));
    // Each of the trees holds all inputs.
    const finished = trees.map((tree) => ({ tree, upper: tree.finish((node) => this.#prove(node)) }));
    const { tree, upper } = finished.reduce((best, one) => (one.upper < best.upper ? one : best));
    this.#report(open, upper);
    const { slope: lower, best: steepest } = this.#steepest;
    // Both are proven: one of the proofs is wrong, or the arithmetic.
    if (lower > upper)
      throw new Error(
        `exact: no slope can be above the bound ${upper}, and ${lower} is attained; please report this with the network`,
      );
    return {
      lower,
      upper,
      steepest,
      ending,
      nodes: this.#nodes,
      open,
      tree: tree.leaves.tree(),
      statistics: this.#statistics,
    };
  }

  #isEnough(bound: number): boolean {
    return bound <= this.#steepest.slope * (1 + this.#options.gap);
  }

  #trees(nodes: readonly Node[]): Tree[] {
    const free = new Tree(nodes, false, this.#leaves);
    if (this.#form.inputs > FEW_INPUTS || this.#levels < 2) return [free];
    return [
      new Tree(
        nodes.map((node) => ({ ...node, state: copyOf(node.state), logarithms: node.logarithms.slice() })),
        true,
        new Leaves(this.#form, this.#leaves),
      ),
      free,
    ];
  }

  /** Looks at the next node of a tree. */
  #step(tree: Tree): void {
    const node = tree.take();
    this.#leaves = tree.leaves;
    if (this.#isEnough(node.bound) && this.#close(tree, node)) return;
    const unit = this.#choice(node, tree.byLevel);
    if (unit >= 0) {
      tree.put(this.#branch(tree, node, unit));
      return;
    }
    // All is fixed, and still it is not closed: what is proven of it stands.
    this.#prove(node);
    tree.close(node);
  }

  /** Counts a node as done if its bound is proven small enough. */
  #close(tree: Tree, node: Node): boolean {
    this.#prove(node);
    // What is added to a bound for its proof is far less than any gap.
    if (!(node.proven <= this.#steepest.slope * (1 + this.#options.gap) * (1 + 1e-8))) return false;
    tree.close(node);
    return true;
  }

  /** What its own multipliers prove of a node, if that is less than what those of one above it do. */
  #prove(node: Node): void {
    const proven = this.#provenOf(node);
    if (!(proven < node.proven)) return;
    node.proven = proven;
    node.by = node.logarithms.slice();
  }

  #provenOf({ state, logarithms, bound }: Node): number {
    // Where hardly anything moves, rounding is most of what there is: less than half of a slope that is attained is not of interest.
    const { root } = this.#statistics;
    if (bound <= NEXT_TO_NOTHING * root && this.#prover.boundOf(state, logarithms, 0) === 0) return 0;
    const least = Math.max(bound, this.#steepest.slope / 2, root < Infinity ? NEXT_TO_NOTHING * root : 0);
    return this.#prover.boundOf(state, logarithms, least * least);
  }

  #report(open: number, upper: number): void {
    this.#options.onProgress?.({
      lower: this.#steepest.slope,
      upper,
      nodes: this.#nodes,
      open,
    });
  }

  async #root(breath: Breath): Promise<Node> {
    const state = openState(this.#form);
    const best = { squared: Infinity, logarithms: new Float64Array(this.#form.units.length) };
    for (const _ of descendingFromScratch(this.#ellipsoid, state, best)) {
      await breath.taken();
      if (this.#options.isOver()) break;
    }
    const { squared, logarithms } = best;
    const node: Node = {
      state,
      logarithms,
      bound: Math.sqrt(squared),
      proven: Infinity,
      by: logarithms.slice(),
      side: undefined,
      support: undefined,
    };
    this.#prove(node);
    this.#statistics.root = node.bound;
    return node;
  }

  #settled(root: Node): Node {
    if (!this.#settle(root)) throw new InputError('domain: no input is in both the ball and the box');
    this.#bound(root, 60, 0);
    return root;
  }

  /** The nodes that an earlier search has left, and those of whose proofs nothing is left now. */
  async #begun(root: Node, { tree, input }: Beginning, breath: Breath): Promise<Node[]> {
    if (input) this.#steepest.look(input);
    const nodes: Node[] = [];
    for (const { state, side, leaf } of partsOf(this.#form, tree)) {
      await breath.taken();
      const node: Node = { ...root, state, side, logarithms: root.logarithms.slice() };
      if (leaf.kind !== 'bounded') {
        if (!this.#isStillEmpty(node, leaf)) nodes.push(node);
        continue;
      }
      if (!this.#passes.narrow(state, this.#ranges)) {
        this.#isUnreachable(node);
        continue;
      }
      const start = logarithmsOf(this.#form, leaf, root.logarithms);
      this.#bound(node, 1, 0, start);
      nodes.push(node);
    }
    if (nodes.length === 0) throw new InputError('domain: no input is in both the ball and the box');
    return nodes;
  }

  #isStillEmpty(node: Node, leaf: Exclude<TreeLeaf, { kind: 'bounded' }>): boolean {
    const { state, side } = node;
    if (leaf.kind === 'empty' && this.#passes.narrow(state, this.#ranges)) {
      const refutation = refutationOf(this.#form, leaf);
      const [domain, ranges] = leaf.bare
        ? [everywhere(this.#form.inputs), unknownRanges(this.#form)]
        : [this.#domain, this.#ranges];
      if (refutes(this.#form, domain, state, ranges, refutation)) {
        this.#leaves.empty(side, { kind: 'empty', refutation, bare: leaf.bare });
        return true;
      }
    }
    return !this.#settle(node);
  }

  /** Makes the bound of a node as small as a few steps make it. */
  #bound(node: Node, evaluations: number, enough: number, start = node.logarithms): void {
    const { squared, logarithms } = descend(this.#ellipsoid, node.state, start, {
      evaluations,
      barrier: BARRIER,
      enough,
    });
    if (!(Math.sqrt(squared) < node.bound)) return;
    node.bound = Math.sqrt(squared);
    node.logarithms.set(logarithms);
  }

  #branch(tree: Tree, node: Node, unit: number): Node[] {
    const { first, last } = node.state;
    const at = (first[unit]! + last[unit]! - 1) >> 1;
    const children: Node[] = [];
    const split = { unit, at, of: node.side };
    for (const upper of [false, true]) {
      const state = copyOf(node.state);
      if (upper) state.first[unit] = at + 1;
      else state.last[unit] = at;
      this.#nodes++;
      const side = { split, isUpper: upper };
      const child: Node = { ...node, state, side, logarithms: node.logarithms.slice() };
      // Programs take far longer than a bound, and there are none where that is small enough; level by level they fix most units.
      if (!tree.byLevel && this.#isClosedByBound(tree, child)) continue;
      if (!this.#settle(child) || this.#isClosedByBound(tree, child)) continue;
      children.push(child);
    }
    return children;
  }

  #isClosedByBound(tree: Tree, node: Node): boolean {
    this.#bound(node, EVALUATIONS, (this.#steepest.slope * (1 + this.#options.gap)) ** 2);
    return this.#isEnough(node.bound) && this.#close(tree, node);
  }

  /** The unit whose fixing promises most; −1 where all are fixed. */
  #choice({ state, logarithms }: Node, byLevel: boolean): number {
    const { units, kinks } = this.#form;
    const ellipsoid = this.#ellipsoid;
    ellipsoid.enter(state);
    ellipsoid.score(logarithms);
    const level = byLevel ? this.#frontier(state) : Infinity;
    let [best, most] = [-1, -1];
    for (const u of kinks) {
      if (isFixed(state, u) || units[u]!.level > level || !(ellipsoid.scores[u]! > most)) continue;
      [best, most] = [u, ellipsoid.scores[u]!];
    }
    return best;
  }

  /** Draws conclusions. @returns whether there may be inputs in a node */
  #settle(node: Node): boolean {
    const { state } = node;
    for (;;) {
      if (!this.#passes.narrow(state, this.#ranges)) {
        this.#statistics.empty++;
        return this.#isUnreachable(node);
      }
      const frontier = this.#frontier(state);
      const before = state.first.reduce((sum, p) => sum + p, 0) - state.last.reduce((sum, p) => sum + p, 0);
      if (!this.#examine(node, frontier, true)) return false;
      if (this.#frontier(state) > frontier) continue;
      const after = state.first.reduce((sum, p) => sum + p, 0) - state.last.reduce((sum, p) => sum + p, 0);
      if (after !== before && !this.#passes.narrow(state, this.#ranges)) return this.#isUnreachable(node);
      if (frontier < this.#levels && this.#isFixedBeyond(state, frontier)) {
        if (!this.#examine(node, this.#levels, false)) return false;
        // A level that has become complete says more of those behind.
        if (this.#frontier(state) > frontier) continue;
      }
      if (this.#frontier(state) > this.#levels) this.#statistics.leaves++;
      return true;
    }
  }

  #isUnreachable(node: Node): false {
    this.#leaves.empty(node.side, { kind: 'unreachable' });
    return false;
  }

  /** The first level at which a unit is not fixed; beyond the last where all are. */
  #frontier(state: State): number {
    const { units, kinks } = this.#form;
    for (const u of kinks) if (!isFixed(state, u)) return units[u]!.level;
    return this.#levels + 1;
  }

  #isFixedBeyond({ first, last }: State, level: number): boolean {
    const { units } = this.#form;
    return this.#form.kinks.some(
      (u) => units[u]!.level > level && (first[u]! > 0 || last[u]! < units[u]!.pieces!.breaks.length),
    );
  }

  /**
   * The program of a state up to a level, and for every unit that it leaves open the programs of the sides on which the point found is not.
   * @returns whether there may be inputs
   */
  #examine(node: Node, level: number, deep: boolean): boolean {
    const { state } = node;
    const solver = this.#solver;
    const cone = this.#cone;
    this.#level = Math.min(level, this.#levels);
    cone.build(state, this.#ranges, this.#level);
    const outcome = this.#solve(cone, state, this.#rowsOf(cone, node.support), deep);
    if (outcome === 'empty') {
      this.#leaves.empty(node.side, this.#emptiness);
      return false;
    }
    if (outcome === 'undecided') return true;
    const { units, kinks } = this.#form;
    const width = cone.columns;
    const point = solver.point.slice(0, width);
    const x = this.#steepest.pointOf(point, width);
    if (x) this.#steepest.look(x);
    const own = solver.support.slice(0, solver.count);
    node.support = own.map((row) => cone.key(row));
    // Where one of these lies on a side of a break, nobody has to ask whether that side is empty.
    let witnesses = [point];
    for (const u of kinks) {
      const { relevant } = this.#cone;
      if (isFixed(state, u) || !relevant[u] || units[u]!.level > level || (deep && units[u]!.level !== level))
        continue;
      const { breaks } = units[u]!.pieces!;
      for (let k = state.first[u]!; k < state.last[u]!; k++) {
        let [below, above] = [false, false];
        for (const w of witnesses) {
          if (this.#cone.argument(u, w) > breaks[k]! * w[width - 1]!) above = true;
          else below = true;
        }
        if (above && below) continue;
        // The side on which no point is.
        const [first, last] = above ? [state.first[u]!, k] : [k + 1, state.last[u]!];
        const [keptFirst, keptLast] = [state.first[u]!, state.last[u]!];
        this.#other.buildNarrowed(this.#cone, u, state, first, last);
        state.first[u] = first;
        state.last[u] = last;
        const other = this.#solve(this.#other, state, this.#rowsOf(this.#other, node.support), false);
        if (other !== 'empty') {
          state.first[u] = keptFirst;
          state.last[u] = keptLast;
          if (other !== 'inside') continue;
          witnesses.push(this.#other.completed(solver.point, u, first));
          const there = deep && this.#steepest.pointOf(solver.point, width);
          if (there) this.#steepest.look(there);
          continue;
        }
        this.#statistics.implied++;
        const split = { unit: u, at: k, of: node.side };
        this.#leaves.empty({ split, isUpper: !above }, this.#emptiness);
        node.side = { split, isUpper: above };
        const [impliedFirst, impliedLast] = above ? [k + 1, keptLast] : [keptFirst, k];
        state.first[u] = keptFirst;
        state.last[u] = keptLast;
        this.#other.buildNarrowed(this.#cone, u, state, impliedFirst, impliedLast);
        [this.#cone, this.#other] = [this.#other, this.#cone];
        state.first[u] = impliedFirst;
        state.last[u] = impliedLast;
        // What is no longer relaxed may leave some of them outside.
        witnesses = witnesses.filter((w) => this.#cone.holds(w));
        if (witnesses.length === 0) witnesses.push(point);
        if (!above) break;
      }
    }
    return true;
  }

  /** Empty only where that is proven. */
  #solve(
    cone: Cone,
    state: State,
    start: Int32Array | undefined,
    deep: boolean,
  ): 'inside' | 'empty' | 'undecided' {
    const solver = this.#solver;
    this.#statistics.programs++;
    for (const [unit, sign] of cone.still) {
      const refutation = this.#refuter.refuteOne(state, this.#ranges, unit, sign);
      if (!refutation) continue;
      this.#emptiness = { kind: 'empty', refutation, bare: false };
      this.#statistics.empty++;
      return 'empty';
    }
    let outcome = solver.solve(cone, start, deep);
    if (outcome === 'undecided' && start) outcome = solver.solve(cone, undefined, deep);
    const { support, weights, count } = solver;
    if (outcome === 'empty') {
      const refutation = this.#refuter.refute(state, this.#ranges, cone, support, weights, count);
      if (refutation) this.#emptiness = { kind: 'empty', refutation, bare: false };
      else outcome = 'undecided';
    }
    if (
      (outcome === 'undecided' || (outcome === 'inside' && !cone.holds(solver.point))) &&
      (this.#isFlat(state) || this.#isBareEmpty(state))
    )
      outcome = 'empty';
    if (outcome === 'undecided') this.#statistics.undecided++;
    if (outcome === 'empty') this.#statistics.empty++;
    return outcome;
  }

  /** Whether rows that meet in a point, as those of networks without biases do, have no inside. */
  #isBareEmpty(state: State): boolean {
    const [cone, solver] = [this.#bare, new MinimumNorm()];
    const ranges = unknownRanges(this.#form);
    cone.build(state, ranges, this.#level);
    if (solver.solve(cone, undefined, false) !== 'empty') return false;
    const { support, weights, count } = solver;
    const refutation = this.#bareRefuter.refute(state, ranges, cone, support, weights, count);
    if (refutation) this.#emptiness = { kind: 'empty', refutation, bare: true };
    return refutation !== undefined;
  }

  /** Whether rows where they are, not moved outward, have no inside. */
  #isFlat(state: State): boolean {
    const [cone, solver] = [this.#plain, this.#plainSolver];
    cone.build(state, this.#ranges, this.#level);
    if (cone.columns > this.#form.inputs + 1 || solver.solve(cone, undefined, false) !== 'empty')
      return false;
    this.#statistics.flat++;
    const proof = flatProof(this.#form, this.#domain, state, cone, solver);
    if (proof) this.#emptiness = { kind: 'flat', proof };
    return proof !== undefined;
  }

  #rowsOf(cone: Cone, keys: Int32Array | undefined): Int32Array | undefined {
    if (!keys || keys.length === 0) return undefined;
    const wanted = new Set(keys);
    const rows: number[] = [];
    for (let row = 0; row < cone.rows; row++) if (wanted.has(cone.key(row))) rows.push(row);
    return Int32Array.from(rows);
  }
}
