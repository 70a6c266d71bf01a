/** Tensors whose entries are numbers or cells, and moving entries about. */
import type { Type } from '../model/description.ts';

/** Thrown where ONNX gives the model no meaning, which happens at other lengths than that of its file. */
export class Meaningless extends Error {}

export function demand(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Meaningless(what);
}

export interface Value {
  /** `cell`: entries are numbers of cells, they depend on the input. */
  readonly type: Type | 'cell';
  readonly shape: readonly number[];
  readonly items: readonly number[];
}

export const product = (sides: readonly number[]) => sides.reduce((a, b) => a * b, 1);

export function stepsOf(shape: readonly number[]): number[] {
  const steps = shape.map(() => 1);
  for (let a = shape.length - 2; a >= 0; a--) steps[a] = steps[a + 1]! * shape[a + 1]!;
  return steps;
}

/** All positions of a shape, the last axis fastest. */
export function* positions(shape: readonly number[]): Generator<number[]> {
  const at = shape.map(() => 0);
  for (let k = product(shape); k > 0; k--) {
    yield [...at];
    for (let a = shape.length - 1; a >= 0 && ++at[a]! >= shape[a]!; a--) at[a] = 0;
  }
}

/** The value of `shape` whose entry at a position is that of `from` at `where(position)`. */
export function gathered(
  from: Value,
  shape: readonly number[],
  where: (position: number[]) => readonly number[],
): Value {
  const steps = stepsOf(from.shape);
  const items: number[] = [];
  for (const position of positions(shape)) {
    let flat = 0;
    for (const [a, index] of where(position).entries()) flat += index * steps[a]!;
    items.push(from.items[flat]!);
  }
  return { type: from.type, shape, items };
}

export function viewed(from: Value, shape: readonly number[]): Value {
  demand(product(shape) === from.items.length, `[${from.shape}] cannot become [${shape}]`);
  return { ...from, shape };
}

export function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, k) => {
    const p = a[k - rank + a.length] ?? 1;
    const q = b[k - rank + b.length] ?? 1;
    demand(p === q || p === 1 || q === 1, `[${a}] and [${b}] do not broadcast`);
    return p === 1 ? q : p;
  });
}

/** Repeated to a shape that it broadcasts to. */
export function expanded(from: Value, shape: readonly number[]): Value {
  const lead = shape.length - from.shape.length;
  return gathered(from, shape, (position) =>
    from.shape.map((side, a) => (side === 1 ? 0 : position[a + lead]!)),
  );
}

export function axisOf(axis: number, rank: number): number {
  demand(axis >= -rank && axis < rank, `axis ${axis} of ${rank}`);
  return axis < 0 ? axis + rank : axis;
}
