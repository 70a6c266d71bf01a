/** Circuits in exact numbers: one-sided derivatives of networks that are linear between kinks, without any rounding. */
import { type Circuit, sourcesOf } from './circuit.ts';
import { Exact, ONE, ZERO } from './exact.ts';

/** Entries of f′(x; d) = lim (f(x + t d) − f(x)) / t, t ↓ 0: at kinks too, no ‖f(x) − f(y)‖ / ‖x − y‖ is bounded by less. */
export function exactDerivatives(
  circuit: Circuit,
  x: Float64Array,
  directions: readonly Float64Array[],
): Exact[][] {
  return evaluated(circuit, x, directions).derivatives;
}

/** Entries of f(x). */
export function exactOutputs(circuit: Circuit, x: Float64Array): Exact[] {
  return evaluated(circuit, x, []).outputs;
}

function evaluated(
  circuit: Circuit,
  x: Float64Array,
  directions: readonly Float64Array[],
): { readonly outputs: Exact[]; readonly derivatives: Exact[][] } {
  const { cells, outputs, inputs } = circuit;
  const needed = new Uint8Array(cells.length);
  for (const id of outputs) needed[id] = 1;
  for (let id = cells.length - 1; id >= 0; id--)
    if (needed[id]) for (const source of sourcesOf(cells[id]!)) needed[source] = 1;
  const v: Exact[] = [];
  const d: Exact[][] = directions.map(() => []);
  for (let id = 0; id < cells.length; id++) {
    if (!needed[id]) continue;
    const cell = cells[id]!;
    switch (cell.kind) {
      case 'input':
        v[id] = id < inputs ? Exact.of(x[id]!) : ZERO;
        directions.forEach((direction, k) => {
          d[k]![id] = Exact.of(direction[id]!);
        });
        break;
      case 'linear':
        v[id] = combination(cell.sources, cell.weights, v, cell.bias);
        for (const own of d) own[id] = combination(cell.sources, cell.weights, own, ZERO);
        break;
      case 'function': {
        const f = cell.f.exact!;
        const at = v[cell.source]!;
        v[id] = f.value(at);
        for (const own of d) {
          const along = own[cell.source]!;
          own[id] = along.sign === 0 ? ZERO : along.times(f.slope(at, along.sign));
        }
        break;
      }
      case 'maximum': {
        const most = cell.sources.reduce(
          (best, id) => (v[id]!.compare(best) > 0 ? v[id]! : best),
          v[cell.sources[0]!]!,
        );
        v[id] = most;
        const tied = cell.sources.filter((source) => v[source]!.compare(most) === 0);
        for (const own of d)
          own[id] = tied.reduce((best, t) => (own[t]!.compare(best) > 0 ? own[t]! : best), own[tied[0]!]!);
        break;
      }
      default:
        throw new Error(`${cell.kind}: not linear between kinks`);
    }
  }
  return {
    outputs: outputs.map((id) => v[id]!),
    derivatives: d.map((own) => outputs.map((id) => own[id]!)),
  };
}

function combination(
  sources: readonly number[],
  weights: readonly Exact[],
  values: readonly Exact[],
  start: Exact,
): Exact {
  let sum = start;
  for (let k = 0; k < sources.length; k++) {
    const value = values[sources[k]!]!;
    if (value.sign === 0) continue;
    sum = sum.plus(weights[k] === ONE ? value : weights[k]!.times(value));
  }
  return sum;
}

export function squaredNorm(entries: readonly Exact[]): Exact {
  return entries.reduce((sum, entry) => sum.plus(entry.times(entry)), ZERO);
}
