/** Circuits in float64: values, products with the Jacobian and its transpose, and slopes with all rounding enclosed. */
import { type Cell, type Circuit, sourcesOf } from './circuit.ts';
import type { Exact } from './exact.ts';

export interface Enclosed {
  readonly middle: Float64Array;
  readonly radius: Float64Array;
}

/** A circuit with its weights as float64, without the cells that no output needs. */
export class FloatCircuit {
  readonly inputs: number;
  readonly outputs: readonly number[];
  readonly #cells: readonly Cell[];
  readonly #order: readonly number[];
  readonly #weights: readonly (Float64Array | undefined)[];
  readonly #biases: Float64Array;

  constructor({ inputs, cells, outputs }: Circuit) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.#cells = cells;
    const needed = new Uint8Array(cells.length);
    for (const id of outputs) needed[id] = 1;
    const order: number[] = [];
    for (let id = cells.length - 1; id >= 0; id--) {
      if (!needed[id]) continue;
      for (const source of sourcesOf(cells[id]!)) needed[source] = 1;
      if (cells[id]!.kind !== 'input') order.push(id);
    }
    this.#order = order.reverse();
    // Weights are shared by many cells.
    const known = new Map<Exact, number>();
    const float = (x: Exact) => {
      let value = known.get(x);
      if (value === undefined) {
        value = x.toNumber();
        known.set(x, value);
      }
      return value;
    };
    this.#weights = cells.map((cell) =>
      cell.kind === 'linear' ? Float64Array.from(cell.weights, float) : undefined,
    );
    this.#biases = Float64Array.from(cells, (cell) => (cell.kind === 'linear' ? float(cell.bias) : 0));
  }

  /** Of every cell. */
  values(x: Float64Array): Float64Array {
    const v = new Float64Array(this.#cells.length);
    v.set(x);
    for (const id of this.#order) {
      const cell = this.#cells[id]!;
      switch (cell.kind) {
        case 'linear': {
          const w = this.#weights[id]!;
          let sum = this.#biases[id]!;
          for (let k = 0; k < w.length; k++) sum += w[k]! * v[cell.sources[k]!]!;
          v[id] = sum;
          break;
        }
        case 'function':
          v[id] = cell.f.value(v[cell.source]!);
          break;
        case 'product':
          v[id] = v[cell.a]! * v[cell.b]!;
          break;
        case 'maximum': {
          let most = v[cell.sources[0]!]!;
          for (const source of cell.sources) if (v[source]! > most) most = v[source]!;
          v[id] = most;
          break;
        }
        case 'softmax':
          v[id] = cell.logarithm
            ? Math.log(shareOf(cell.sources, v)[cell.which]!)
            : shareOf(cell.sources, v)[cell.which]!;
          break;
        case 'input':
          break;
        default:
          throw new Error(`unknown cell ${cell satisfies never}`);
      }
    }
    return v;
  }

  outputsOf(values: Float64Array): Float64Array {
    return Float64Array.from(this.outputs, (id) => values[id]!);
  }

  /** J d at the point of `values`; at kinks as it goes in the direction d. */
  push(values: Float64Array, direction: Float64Array): Float64Array {
    const d = new Float64Array(this.#cells.length);
    d.set(direction);
    for (const id of this.#order) d[id] = this.#tangent(id, values, d);
    return this.outputsOf(d);
  }

  #tangent(id: number, v: Float64Array, d: Float64Array): number {
    const cell = this.#cells[id]!;
    switch (cell.kind) {
      case 'linear': {
        const w = this.#weights[id]!;
        let sum = 0;
        for (let k = 0; k < w.length; k++) sum += w[k]! * d[cell.sources[k]!]!;
        return sum;
      }
      case 'function': {
        const own = d[cell.source]!;
        return own === 0 ? 0 : own * cell.f.slope(v[cell.source]!, own > 0 ? 1 : -1);
      }
      case 'product':
        return v[cell.a]! * d[cell.b]! + d[cell.a]! * v[cell.b]!;
      case 'maximum': {
        let [most, along] = [-Infinity, 0];
        for (const source of cell.sources) {
          const [value, own] = [v[source]!, d[source]!];
          if (value > most) [most, along] = [value, own];
          else if (value === most && own > along) along = own;
        }
        return along;
      }
      case 'softmax': {
        const share = shareOf(cell.sources, v);
        let mean = 0;
        for (const [k, source] of cell.sources.entries()) mean += share[k]! * d[source]!;
        const own = d[cell.sources[cell.which]!]! - mean;
        return cell.logarithm ? own : share[cell.which]! * own;
      }
      default:
        return 0;
    }
  }

  /** Jᵀ u, kinks taken from the right, of the first of equal maxima. */
  pull(values: Float64Array, u: Float64Array): Float64Array {
    const g = new Float64Array(this.#cells.length);
    for (const [k, id] of this.outputs.entries()) g[id]! += u[k]!;
    for (let n = this.#order.length - 1; n >= 0; n--) {
      const id = this.#order[n]!;
      const own = g[id]!;
      if (own === 0) continue;
      const cell = this.#cells[id]!;
      switch (cell.kind) {
        case 'linear': {
          const w = this.#weights[id]!;
          for (let k = 0; k < w.length; k++) g[cell.sources[k]!]! += w[k]! * own;
          break;
        }
        case 'function':
          g[cell.source]! += own * cell.f.slope(values[cell.source]!, 1);
          break;
        case 'product':
          g[cell.a]! += own * values[cell.b]!;
          g[cell.b]! += own * values[cell.a]!;
          break;
        case 'maximum': {
          let best = cell.sources[0]!;
          for (const source of cell.sources) if (values[source]! > values[best]!) best = source;
          g[best]! += own;
          break;
        }
        case 'softmax': {
          const share = shareOf(cell.sources, values);
          const factor = cell.logarithm ? own : own * share[cell.which]!;
          for (const [k, source] of cell.sources.entries())
            g[source]! += factor * ((k === cell.which ? 1 : 0) - share[k]!);
          break;
        }
        default:
          break;
      }
    }
    return g.slice(0, this.inputs);
  }

  /**
   * Entries of J d and how far they may be from the truth: rounding, and kinks that rounding might be on the other side of; beside
   * them those of the outputs. exp, tanh and the like are taken to be right to 1e-14.
   */
  enclosedPush(x: Float64Array, direction: Float64Array): Enclosed & { readonly outputs: Enclosed } {
    const n = this.#cells.length;
    const v = this.values(x);
    const d = new Float64Array(n);
    d.set(direction);
    const ev = new Float64Array(n);
    const ed = new Float64Array(n);
    for (const id of this.#order) {
      const cell = this.#cells[id]!;
      d[id] = this.#tangent(id, v, d);
      switch (cell.kind) {
        case 'linear': {
          const w = this.#weights[id]!;
          const gamma = (w.length + 4) * 2 ** -52;
          let [a, b] = [Math.abs(this.#biases[id]!) * gamma, 0];
          for (let k = 0; k < w.length; k++) {
            const source = cell.sources[k]!;
            const size = Math.abs(w[k]!);
            a += size * (ev[source]! * 1.01 + gamma * Math.abs(v[source]!));
            b += size * (ed[source]! * 1.01 + gamma * Math.abs(d[source]!));
          }
          ev[id] = a + TINY;
          ed[id] = b + TINY;
          break;
        }
        case 'function': {
          const { f, source } = cell;
          const [at, radius, along, off] = [v[cell.source]!, ev[source]!, Math.abs(d[source]!), ed[source]!];
          const slope = Math.max(Math.abs(f.slope(at, 1)), Math.abs(f.slope(at, -1)));
          const touched = f.kinks.some((kink) => radius > 0 && Math.abs(at - kink) <= radius * 1.01);
          // Towards which side a kink is left is not known either where the direction may be the other.
          const undecided = f.kinks.some((kink) => at === kink) && off > 0 && along <= off;
          const change =
            (touched || undecided ? f.jump : 0) + f.curvature(at, radius) * radius + 1e-14 * (slope + 1);
          ev[id] = (slope + change) * radius * 1.01 + 1e-14 * Math.abs(v[id]!) + TINY;
          ed[id] = ((slope + change) * off + change * along) * 1.01 + TINY;
          break;
        }
        case 'product': {
          const { a, b } = cell;
          const [va, vb, da, db] = [v[a]!, v[b]!, d[a]!, d[b]!].map(Math.abs) as [
            number,
            number,
            number,
            number,
          ];
          ev[id] = (ev[a]! * vb + ev[b]! * va + ev[a]! * ev[b]!) * 1.01 + 1e-15 * va * vb + TINY;
          ed[id] =
            (ev[a]! * db + ed[b]! * va + ev[a]! * ed[b]! + ev[b]! * da + ed[a]! * vb + ev[b]! * ed[a]!) *
              1.01 +
            1e-15 * (va * db + da * vb) +
            TINY;
          break;
        }
        case 'maximum': {
          const most = v[id]!;
          let [spread, off, low, high, own] = [0, 0, Infinity, -Infinity, 0];
          for (const source of cell.sources) {
            own = Math.max(own, ev[source]!);
            const rival = most - v[source]! <= 1.01 * (ev[source]! + largest(cell.sources, ev));
            if (!rival) continue;
            off = Math.max(off, ed[source]!);
            low = Math.min(low, d[source]!);
            high = Math.max(high, d[source]!);
          }
          // Exact ties go along the steepest, which is what the tangent does; others may be decided either way.
          const tied = largest(cell.sources, ev) === 0;
          spread = tied ? 0 : high - low;
          ev[id] = own;
          ed[id] = off + spread;
          break;
        }
        case 'softmax': {
          const [most, along, off] = [ev, d, ed].map((list) => largest(cell.sources, list)) as [
            number,
            number,
            number,
          ];
          ev[id] = 2 * most + 1e-14 * (1 + Math.abs(v[id]!));
          ed[id] = 2 * off + 2 * along * (4 * most + 1e-14 * cell.sources.length);
          break;
        }
        default:
          break;
      }
    }
    return {
      middle: this.outputsOf(d),
      radius: this.outputsOf(ed),
      outputs: { middle: this.outputsOf(v), radius: this.outputsOf(ev) },
    };
  }
}

/** What underflow may lose. */
const TINY = 1e-290;

function largest(sources: readonly number[], list: Float64Array): number {
  let most = 0;
  for (const source of sources) most = Math.max(most, Math.abs(list[source]!));
  return most;
}

/** exp(v) over their sum. */
function shareOf(sources: readonly number[], v: Float64Array): Float64Array {
  let most = -Infinity;
  for (const source of sources) most = Math.max(most, v[source]!);
  const share = Float64Array.from(sources, (source) => Math.exp(v[source]! - most));
  const sum = share.reduce((a, b) => a + b, 0);
  return share.map((x) => x / sum);
}
