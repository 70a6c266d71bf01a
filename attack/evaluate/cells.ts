/** Functions of several cells, made of sums, products, maxima and functions of one. */
import type { CircuitBuilder } from './circuit.ts';
import { Exact, ONE, ZERO } from './exact.ts';
import * as f from './pointwise.ts';

const MINUS_ONE = Exact.of(-1);

export function sumOf(builder: CircuitBuilder, cells: readonly number[], weight = ONE, bias = ZERO): number {
  return builder.linear(
    cells,
    cells.map(() => weight),
    bias,
  );
}

export function meanOf(builder: CircuitBuilder, cells: readonly number[]): number {
  return sumOf(builder, cells, ONE.over(Exact.of(cells.length)));
}

export function difference(builder: CircuitBuilder, a: number, b: number): number {
  return builder.linear([a, b], [ONE, MINUS_ONE]);
}

export function leastOf(builder: CircuitBuilder, cells: readonly number[]): number {
  const turned = (cell: number) => builder.linear([cell], [MINUS_ONE]);
  return turned(builder.maximum(cells.map(turned)));
}

/** (Σ |x|^p)^{1/p}, p = 1, 2, 3. */
export function normOf(builder: CircuitBuilder, cells: readonly number[], p: number): number {
  const sizes = cells.map((cell) => builder.function(cell, f.absolute));
  if (p === 1) return sumOf(builder, sizes);
  const powers = sizes.map((cell) => builder.function(cell, f.power(p)));
  return builder.function(sumOf(builder, powers), f.root(1 / p));
}

/** ln Σ e^x */
export function logSumExp(builder: CircuitBuilder, cells: readonly number[]): number {
  const top = builder.maximum(cells);
  const powers = cells.map((cell) => builder.function(difference(builder, cell, top), f.exponential));
  return builder.linear([top, builder.function(sumOf(builder, powers), f.logarithm)], [ONE, ONE]);
}

/** Ascending, by comparisons of neighbours. */
export function sorted(builder: CircuitBuilder, cells: readonly number[]): number[] {
  const order = [...cells];
  for (let round = 0; round < order.length; round++) {
    for (let k = round % 2; k + 1 < order.length; k += 2) {
      const pair = [order[k]!, order[k + 1]!];
      order[k] = leastOf(builder, pair);
      order[k + 1] = builder.maximum(pair);
    }
  }
  return order;
}

/** u / √(mean u² + ε), u = x or x less its mean. */
export function standardised(
  builder: CircuitBuilder,
  cells: readonly number[],
  { centred, epsilon }: { readonly centred: boolean; readonly epsilon: number },
): number[] {
  const mean = centred ? meanOf(builder, cells) : undefined;
  const u = mean === undefined ? cells : cells.map((cell) => difference(builder, cell, mean));
  const square = meanOf(
    builder,
    u.map((cell) => builder.product(cell, cell)),
  );
  const inverse = builder.function(square, f.overRootOf(epsilon));
  return u.map((cell) => builder.product(cell, inverse));
}
