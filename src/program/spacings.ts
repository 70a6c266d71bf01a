/** How far samples of a segment's variables lie apart, and the torus that their operators ask for. */
import { UnsupportedError } from '../errors.ts';
import { chooseTorus, TorusConflict, type TorusDemand } from './torus.ts';
import { type LinearMap, sourcesOf, type Term, type Variable } from './variables.ts';

export class Spacings {
  readonly #axes: number;
  readonly #known: Map<Variable, readonly number[]>;
  readonly #demands: TorusDemand[] = [];

  /** @param start what the segment begins with, per axis */
  constructor(axes: number, start: Iterable<readonly [Variable, readonly number[]]>) {
    this.#axes = axes;
    this.#known = new Map(start);
  }

  /** What has a spacing so far. */
  get known(): ReadonlyMap<Variable, readonly number[]> {
    return this.#known;
  }

  forget(variable: Variable): void {
    this.#known.delete(variable);
  }

  /**
   * The smallest torus, in units.
   * @param demanding false: for signals of any length, as small as strides allow
   * @throws UnsupportedError where padding modes need different tori
   */
  torus(demanding: boolean): number[] {
    const spacings = [...this.#known.values()];
    try {
      return chooseTorus(this.#axes, spacings, demanding ? this.#demands : []);
    } catch (error) {
      if (!(error instanceof TorusConflict)) throw error;
      throw new UnsupportedError([
        {
          node: error.demand.name,
          found: 'circular padding beside operators that need another torus',
          reason: `${error.message}; the unrolled method covers it where the layers are small enough`,
        },
      ]);
    }
  }

  /** What is on the way to it gets a spacing first. */
  of(variable: Variable): readonly number[] {
    if (this.#axes === 0 && !this.#known.has(variable)) return [];
    const open = [variable];
    for (let next = open.at(-1); next; next = open.at(-1)) {
      const missing = this.#known.has(next)
        ? undefined
        : sourcesOf(next).find((source) => !this.#known.has(source));
      if (missing) {
        open.push(missing);
        continue;
      }
      open.pop();
      if (this.#known.has(next)) continue;
      this.#known.set(next, this.#derivedSpacing(next));
      this.demandWindow(next);
    }
    return this.#known.get(variable)!;
  }

  #derivedSpacing(variable: Variable): readonly number[] {
    const origin = variable.origin;
    switch (origin.kind) {
      case 'input':
        throw new Error(`schedule: ${variable.name} has no grid yet`);
      case 'nonlinearity':
        return this.of(origin.source);
      case 'maximum': {
        const windows = origin.windows;
        const source = this.of(origin.source);
        if (windows.kind === 'grouped') return source;
        return windows.kind === 'strided' ? source.map((s, a) => s * windows.stride[a]!) : [];
      }
      case 'linear': {
        const all = origin.terms.map((t) => targetSpacing(t.map, this.of(t.source)));
        const other = all.find((own) => own.some((s, a) => s !== all[0]![a]));
        if (other)
          throw unsupportedBranch(
            variable,
            `on grids of spacing ${all[0]!.join('×')} and ${other.join('×')}`,
          );
        return all[0]!;
      }
      default:
        return origin satisfies never;
    }
  }

  demandWindow(variable: Variable): void {
    for (let a = 0; a < this.#axes; a++) this.#demand(variable, variable.name, a, variable.window[a]!, false);
  }

  demandTerm(term: Term, target: Variable): void {
    const { map, source } = term;
    for (let a = 0; a < this.#axes; a++) {
      if (map.kind === 'convolution') {
        const reach = map.circular ? 0 : Math.max(0, map.before[a]!, map.after[a]!);
        this.#demand(source, target.name, a, source.window[a]! + reach, map.circular);
      } else if (map.kind === 'transposed') {
        this.#demand(
          target,
          target.name,
          a,
          target.window[a]! + Math.max(0, map.before[a]!, map.after[a]!),
          false,
        );
      }
    }
  }

  #demand(variable: Variable, name: string, axis: number, samples: number, exactly: boolean): void {
    this.#demands.push({ name, axis, spacing: this.#known.get(variable)![axis]!, samples, exactly });
  }
}

function targetSpacing(map: LinearMap, spacing: readonly number[]): readonly number[] {
  switch (map.kind) {
    case 'identity':
      return spacing;
    case 'convolution':
      return spacing.map((s, a) => s * map.stride[a]!);
    case 'transposed':
      return spacing.map((s, a) => s / map.stride[a]!);
    case 'read':
    case 'pick':
    case 'total':
      return [];
    default:
      return map satisfies never;
  }
}

export function unsupportedBranch(variable: Variable, why: string): UnsupportedError {
  return new UnsupportedError([
    {
      node: variable.name,
      found: `${variable.operator} ${why}`,
      reason:
        'the branches of a network must meet on one grid; the unrolled method covers it where the layers are small enough',
    },
  ]);
}
