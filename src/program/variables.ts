/**
 * A network as the recursion sees it: *variables*, each the network's input, a linear combination of earlier variables, a
 * nonlinearity of one, or the maximum over windows of one. Biases are gone: only increments matter.
 */
import type { Numbers } from '../network/numbers.ts';
import type { TapKernel } from '../spectrum/taps.ts';

/** A linear map between two variables, with what the torus must know of it. */
export type LinearMap =
  /** y_c = scale_c x_c (scale of length 1: one for all). */
  | { readonly kind: 'identity'; readonly scale: Float64Array }
  | {
      readonly kind: 'convolution';
      readonly kernel: TapKernel;
      readonly stride: readonly number[];
      readonly dilation: readonly number[];
      readonly before: readonly number[];
      readonly after: readonly number[];
      readonly circular: boolean;
      /** Set where every kernel position holds this one multiple of the identity (average pooling, padding). */
      readonly box?: number;
    }
  | {
      readonly kind: 'transposed';
      readonly kernel: TapKernel;
      readonly stride: readonly number[];
      readonly dilation: readonly number[];
      readonly before: readonly number[];
      /** How far beyond the cropped output the contributions reach. */
      readonly after: readonly number[];
    }
  /** Reads the whole window (or a vector): y = W x, W [outputs, channels · window], row-major; `magnitude` as of `Affine`. */
  | { readonly kind: 'read'; readonly weight: Numbers; readonly magnitude?: Float64Array }
  /** Reads the whole window (or a vector): y_r = scale_r x[sources_r], 0 for −1; scale of length 1: one for all. */
  | { readonly kind: 'pick'; readonly sources: Int32Array; readonly scale: Float64Array }
  /** y_c = value · Σ over the window. */
  | { readonly kind: 'total'; readonly value: number };

export interface Term {
  readonly source: Variable;
  readonly map: LinearMap;
  /** First channel of the sum that this term adds to. */
  readonly row: number;
  readonly channels: number;
  /** The node that it comes from, for people. */
  readonly name?: string;
}

export interface Linear {
  readonly kind: 'linear';
  readonly terms: readonly Term[];
  /** What it is a 1-Lipschitz function of, sorted, where that is more than its terms tell (`sorts.ts`). */
  readonly sorted?: Variable;
}

export interface Nonlinear {
  readonly kind: 'nonlinearity';
  readonly source: Variable;
  /** Slope interval [α, β], one entry per channel or one for all. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly sums?: Sums;
}

/** Of groups that are sorted (`sorts.ts`): their sums, which stay what they are, beside the differences that go through a function. */
export interface Sums {
  readonly variable: Variable;
  /** Sums times this, and differences, are orthogonal coordinates of what is sorted, up to one common factor. */
  readonly scale: number;
}

/** Largest entries over windows, after slopes of at most `gain` in modulus. */
export interface Maximum {
  readonly kind: 'maximum';
  readonly source: Variable;
  readonly gain: Float64Array;
  /** The largest number of windows (or entries of the result) that one sample falls in. */
  readonly overlap: number;
  readonly windows:
    | { readonly kind: 'strided'; readonly stride: readonly number[] }
    | { readonly kind: 'whole' }
    /**
     * Single entries, moved and repeated: for every channel of the result the channels of the source that it has entries of, each as often
     * as it has one of their entries at most. `tied`: for every channel of the result the number of its list among `readings`, which hold
     * the same for all channels of the result with that number, each as often as one entry stands in all of the result at most.
     */
    | {
        readonly kind: 'moved';
        readonly channels: readonly Int32Array[];
        readonly tied: Int32Array;
        readonly readings: readonly Int32Array[];
      }
    /** Functions of groups in place of maxima: for every channel the group that it is in, for every one of the image whose image it is part of.
     *  What a whole group changes by is at most what its channels do, after `gain`, also where channels are weighed by what differs by
     *  `spread` at most. */
    | {
        readonly kind: 'grouped';
        readonly ofSource: Int32Array;
        readonly ofTarget: Int32Array;
        readonly groups: number;
        readonly spread: number;
      }
    /** On vectors: for every output the entries it is the maximum of. */
    | { readonly kind: 'listed'; readonly entries: readonly Int32Array[] };
  readonly sums?: Sums;
}

export interface Variable {
  /** Name of the node that makes it, for people. */
  readonly name: string;
  /** The operator as the file calls it. */
  readonly operator: string;
  readonly channels: number;
  /** Spatial sides; none for a vector. */
  readonly window: readonly number[];
  /** Rewritten by the passes of this folder. */
  origin: { readonly kind: 'input' } | Linear | Nonlinear | Maximum;
}

export interface VariableGraph {
  /** In topological order, the input first. */
  readonly variables: readonly Variable[];
  readonly input: Variable;
  readonly output: Variable;
  /** Factor for what follows the output: ½ for softmax. */
  readonly factor: number;
}

/** Whether signals are as long as the network says, or of any length. */
export type Lengths = 'as given' | AnyLengths;

export interface AnyLengths {
  /** Sides of what a node reads in the shortest signal; undefined where that may be as short as can be. */
  readonly shortest: (node: string) => readonly number[] | undefined;
}

/** The variables that a variable is made of, each once. */
export function sourcesOf(variable: Variable): readonly Variable[] {
  const origin = variable.origin;
  switch (origin.kind) {
    case 'input':
      return [];
    case 'linear':
      return [...new Set(origin.terms.map((t) => t.source))];
    case 'nonlinearity':
    case 'maximum':
      return [origin.source];
    default:
      return origin satisfies never;
  }
}

/** The variables that are made of each variable. */
export function consumersOf(variables: readonly Variable[]): Map<Variable, Variable[]> {
  const consumers = new Map<Variable, Variable[]>(variables.map((v) => [v, []]));
  for (const v of variables) for (const s of sourcesOf(v)) consumers.get(s)!.push(v);
  return consumers;
}

/** The graph without what its output does not need. */
export function dropUnused(graph: VariableGraph): VariableGraph {
  const needed = new Set<Variable>([graph.output, graph.input]);
  for (const v of [...graph.variables].reverse())
    if (needed.has(v)) for (const s of sourcesOf(v)) needed.add(s);
  return { ...graph, variables: graph.variables.filter((v) => needed.has(v)) };
}

/** A graph made of other objects, whose origins can be rewritten without touching those of the original. */
export function copyOf(graph: VariableGraph): VariableGraph {
  const copies = new Map(graph.variables.map((variable) => [variable, { ...variable }]));
  const of = (variable: Variable) => copies.get(variable)!;
  for (const copy of copies.values()) {
    const { origin } = copy;
    if (origin.kind === 'input') continue;
    if (origin.kind === 'linear') {
      const terms = origin.terms.map((term) => ({ ...term, source: of(term.source) }));
      copy.origin = { ...origin, terms, ...(origin.sorted && { sorted: of(origin.sorted) }) };
    } else {
      const sums = origin.sums && { ...origin.sums, variable: of(origin.sums.variable) };
      copy.origin = { ...origin, source: of(origin.source), ...(sums && { sums }) };
    }
  }
  return {
    ...graph,
    variables: graph.variables.map(of),
    input: of(graph.input),
    output: of(graph.output),
  };
}
