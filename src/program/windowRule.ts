/** The window rule (docs/mathematics.md §2), and slopes widened to hold 0. */
import {
  consumersOf,
  type Linear,
  type Nonlinear,
  type Term,
  type Variable,
  type VariableGraph,
} from './variables.ts';

/** Slopes widened to hold 0, which is what lets covariances be interpolated between frequencies (`ellipsoid/anyLength/plan.ts`). */
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
  // Of what is sorted only the sums need a window: the differences go through a function.
  const passesOn = (v: Variable) =>
    canBeClean.get(v)! || (v.origin.kind === 'linear' && v.origin.sorted !== undefined);
  const mustBeClean = new Set<Variable>();
  const requires = (consumer: Variable, v: Variable): boolean =>
    consumer.origin.kind === 'linear' &&
    consumer.origin.terms.some(
      (t) =>
        t.source === v &&
        (isZeroPadded(t) || (mustBeClean.has(consumer) && passesOn(consumer) && keepsClean(t))),
    );
  const result: Variable[] = [];
  for (const v of variables.reverse()) {
    const demanding = consumers.get(v)!.filter((c) => requires(c, v));
    if (demanding.length > 0) {
      mustBeClean.add(v);
      const origin = v.origin;
      if (origin.kind === 'nonlinearity') {
        v.origin = holdingZero(origin);
      } else if (origin.kind === 'linear' && !passesOn(v)) {
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
    ...origin,
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
  if (map.kind === 'identity' || map.kind === 'read' || map.kind === 'pick' || map.kind === 'total')
    return true;
  if (map.kind === 'transposed') return false;
  return (
    map.kernel.sides.every((k) => k === 1) &&
    map.before.every((b) => b === 0) &&
    map.after.every((a) => a === 0)
  );
}
