/** Rewriting of the variable graph before it is scheduled: fewer, larger steps with the same increments. */
import { multipliable } from '../network/exact.ts';
import { product } from '../network/size.ts';
import type { Linear, LinearMap, Nonlinear, Term, Variable, VariableGraph } from './variables.ts';

/** Variables that read `origin`. */
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

export function consumersOf(variables: readonly Variable[]): Map<Variable, Variable[]> {
  const consumers = new Map<Variable, Variable[]>(variables.map((v) => [v, []]));
  for (const v of variables) for (const s of sourcesOf(v)) consumers.get(s)!.push(v);
  return consumers;
}

/**
 * A sum or concatenation takes over the terms of a linear variable that only it reads: `x + conv(a)` is one step from
 * (x, a), not two. Then variables that nothing needs are dropped. What a product of weights could make vanish or overflow stays.
 */
export function inlineSums(graph: VariableGraph): VariableGraph {
  const consumers = consumersOf(graph.variables);
  for (const variable of graph.variables) {
    if (variable.origin.kind !== 'linear') continue;
    const uses = new Map<Variable, number>();
    for (const { source } of variable.origin.terms) uses.set(source, (uses.get(source) ?? 0) + 1);
    const terms = variable.origin.terms.flatMap((term) => {
      const inner = term.source.origin;
      const single = consumers.get(term.source)!.length === 1 && term.source !== graph.output;
      const repeated = uses.get(term.source)! > 1;
      if (term.map.kind !== 'identity' || inner.kind !== 'linear' || !single || repeated) return [term];
      const scale = term.map.scale;
      if (!inner.terms.every((t) => multipliable(extremesOf(t.map), scale))) return [term];
      return inner.terms.map(
        (t): Term => ({
          ...t,
          map: scaledRows(t.map, scale, t.row, t.channels, t.source.window),
          row: term.row + t.row,
        }),
      );
    });
    variable.origin = { kind: 'linear', terms };
  }
  return dropUnused(graph);
}

function dropUnused(graph: VariableGraph): VariableGraph {
  const needed = new Set<Variable>([graph.output, graph.input]);
  for (const v of [...graph.variables].reverse())
    if (needed.has(v)) for (const s of sourcesOf(v)) needed.add(s);
  return { ...graph, variables: graph.variables.filter((v) => needed.has(v)) };
}

/** The least and the largest of a map's weights, in modulus, zeros aside. */
function extremesOf(map: LinearMap): ArrayLike<number> {
  switch (map.kind) {
    case 'identity':
      return map.scale;
    case 'convolution':
    case 'transposed': {
      let [low, high] = [Infinity, 0];
      for (let t = 0; t < product(map.kernel.sides); t++) {
        map.kernel.entries(t, (_o, _i, value) => {
          if (value !== 0) low = Math.min(low, Math.abs(value));
          high = Math.max(high, Math.abs(value));
        });
      }
      return high === 0 ? [] : [low, high];
    }
    case 'read':
      return map.weight;
    case 'total':
      return [map.value];
    default:
      return map satisfies never;
  }
}

/** diag(scale) · map; `scale` speaks of the rows of the sum, of which this map's begin at `row`. */
function scaledRows(
  map: LinearMap,
  scale: Float64Array,
  row: number,
  channels: number,
  window: readonly number[],
): LinearMap {
  const one = scale.length === 1;
  if (one && scale[0] === 1) return map;
  const own = one ? scale : scale.subarray(row, row + channels);
  const at = (channel: number) => own[one ? 0 : channel]!;
  switch (map.kind) {
    case 'identity': {
      const length = Math.max(own.length, map.scale.length);
      return {
        kind: 'identity',
        scale: Float64Array.from({ length }, (_, c) => at(c) * map.scale[map.scale.length === 1 ? 0 : c]!),
      };
    }
    case 'convolution':
    case 'transposed': {
      const inner = map.kernel;
      const kernel = {
        sides: inner.sides,
        entries: (t: number, put: (o: number, i: number, value: number) => void) =>
          inner.entries(t, (o, i, value) => put(o, i, at(o) * value)),
      };
      if (map.kind === 'transposed') return { ...map, kernel };
      const { box, ...rest } = map;
      return box !== undefined && one ? { ...rest, kernel, box: box * at(0) } : { ...rest, kernel };
    }
    case 'read': {
      const columns = map.weight.length / channels;
      const scaled = (values: Float64Array) => values.map((w, k) => w * at(Math.floor(k / columns)));
      const magnitude = map.magnitude && scaled(map.magnitude).map(Math.abs);
      return { kind: 'read', weight: scaled(map.weight), ...(magnitude && { magnitude }) };
    }
    case 'total': {
      if (one) return { kind: 'total', value: map.value * at(0) };
      const size = window.reduce((p, n) => p * n, 1);
      const weight = new Float64Array(channels * channels * size);
      for (let c = 0; c < channels; c++) {
        weight.fill(map.value * at(c), (c * channels + c) * size, (c * channels + c + 1) * size);
      }
      return { kind: 'read', weight };
    }
    default:
      return map satisfies never;
  }
}

/** max ∘ φ reads φ's argument directly: |max φ(y) − max φ(y')| ≤ max |β| |y − y'| needs no multipliers for φ. */
export function fuseMaxima(graph: VariableGraph): VariableGraph {
  const consumers = consumersOf(graph.variables);
  for (const variable of graph.variables) {
    const origin = variable.origin;
    if (origin.kind !== 'maximum') continue;
    const inner = origin.source.origin;
    if (inner.kind !== 'nonlinearity' || consumers.get(origin.source)!.length > 1) continue;
    const gain = inner.lower.map((l, c) => Math.max(Math.abs(l), Math.abs(inner.upper[c]!)));
    variable.origin = { ...origin, source: inner.source, gain };
  }
  return dropUnused(graph);
}

/** Slopes widened to hold 0, which is what lets covariances be interpolated between frequencies (`interpolation/plan.ts`). */
export function withZeroSlopes(graph: VariableGraph): VariableGraph {
  for (const variable of graph.variables) {
    const { origin } = variable;
    if (origin.kind === 'nonlinearity') variable.origin = holdingZero(origin);
  }
  return graph;
}

function holdingZero(origin: Nonlinear): Nonlinear {
  return {
    ...origin,
    lower: origin.lower.map((l) => Math.min(l, 0)),
    upper: origin.upper.map((u) => Math.max(u, 0)),
  };
}

const WINDOW_LOWER = Float64Array.of(0);
const WINDOW_UPPER = Float64Array.of(1);

/**
 * The window rule (docs/mathematics.md §2). A zero-padded operator on a torus is exact only on a signal that is zero outside its
 * window. Such a signal is *clean*: the input, what a nonlinearity gives when 0 is one of its slopes, and what reads clean
 * signals position by position. Where a zero-padded operator reads a nonlinearity, its slopes are widened to hold 0; where it
 * reads a linear map that spills over the window, a nonlinearity with slopes [0, 1], the window itself, is put between.
 */
export function applyWindows(graph: VariableGraph): VariableGraph {
  const variables = [...graph.variables];
  const canBeClean = new Map<Variable, boolean>();
  for (const v of variables) {
    canBeClean.set(
      v,
      v.origin.kind !== 'linear' || v.origin.terms.every((t) => keepsClean(t) && canBeClean.get(t.source)!),
    );
  }
  const consumers = consumersOf(variables);
  const mustBeClean = new Set<Variable>();
  const requires = (consumer: Variable, v: Variable): boolean =>
    consumer.origin.kind === 'linear' &&
    consumer.origin.terms.some(
      (t) =>
        t.source === v &&
        (isZeroPadded(t) || (mustBeClean.has(consumer) && canBeClean.get(consumer)! && keepsClean(t))),
    );
  const result: Variable[] = [];
  for (const v of variables.reverse()) {
    const demanding = consumers.get(v)!.filter((c) => requires(c, v));
    if (demanding.length > 0) {
      mustBeClean.add(v);
      const origin = v.origin;
      if (origin.kind === 'nonlinearity') {
        v.origin = holdingZero(origin);
      } else if (origin.kind === 'linear' && !canBeClean.get(v)!) {
        const window: Variable = {
          name: `${v.name} (window)`,
          operator: 'window',
          channels: v.channels,
          window: v.window,
          origin: { kind: 'nonlinearity', source: v, lower: WINDOW_LOWER, upper: WINDOW_UPPER },
        };
        for (const consumer of demanding) redirect(consumer, v, window);
        result.push(window);
      }
    }
    result.push(v);
  }
  return { ...graph, variables: result.reverse() };
}

function redirect(consumer: Variable, from: Variable, to: Variable): void {
  const origin = consumer.origin as Linear;
  consumer.origin = {
    kind: 'linear',
    terms: origin.terms.map((t) => (t.source === from ? { ...t, source: to } : t)),
  };
}

/** Reads samples outside the window and counts on their being zero. */
function isZeroPadded(term: Term): boolean {
  const map = term.map;
  if (map.kind === 'transposed') return true;
  return (
    map.kind === 'convolution' &&
    !map.circular &&
    (map.before.some((p) => p > 0) || map.after.some((p) => p > 0))
  );
}

/** Zero outside the window goes to zero outside the window. */
function keepsClean(term: Term): boolean {
  const map = term.map;
  if (map.kind === 'identity' || map.kind === 'read' || map.kind === 'total') return true;
  if (map.kind === 'transposed') return false;
  return (
    map.kernel.sides.every((k) => k === 1) &&
    map.before.every((b) => b === 0) &&
    map.after.every((a) => a === 0)
  );
}
