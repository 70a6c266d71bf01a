/** Matrix products. */
import type { Type } from '../model/description.ts';
import { isInteger, wrapped } from './arithmetic.ts';
import type { Call } from './call.ts';
import { Exact, ONE, ZERO } from './exact.ts';
import type { Operator } from './operator.ts';
import { broadcast, demand, expanded, gathered, type Value, viewed } from './values.ts';

export const matrices: Readonly<Record<string, Operator>> = {
  MatMul: (call) => {
    const [a, b] = [call.value(0), call.value(1)];
    demand(a.shape.length >= 1 && b.shape.length >= 1, 'operands with axes');
    const p = a.shape.length === 1 ? viewed(a, [1, a.shape[0]!]) : a;
    const q = b.shape.length === 1 ? viewed(b, [b.shape[0]!, 1]) : b;
    const y = stacked(call, p, q);
    let { shape } = y;
    if (b.shape.length === 1) shape = shape.slice(0, -1);
    if (a.shape.length === 1) shape = shape.toSpliced(b.shape.length === 1 ? -1 : -2, 1);
    return [viewed(y, shape)];
  },
  Gemm: (call) => {
    const side = (k: number, flag: string) =>
      call.integer(flag, 0) ? flipped(call.value(k)) : call.value(k);
    const [alpha, beta] = [Exact.of(call.float('alpha', 1)), Exact.of(call.float('beta', 1))];
    const [a, b] = [side(0, 'transA'), side(1, 'transB')];
    const y = multiplied(call, a, b, alpha);
    if (!call.values[2]) return [y];
    const c = expanded(call.cells(2), y.shape);
    return [{ ...y, items: y.items.map((cell, k) => call.builder.linear([cell, c.items[k]!], [ONE, beta])) }];
  },
};

const flipped = (x: Value) => gathered(x, [x.shape[1]!, x.shape[0]!], ([i, j]) => [j!, i!]);

/** Matrices along leading axes that broadcast. */
function stacked(call: Call, a: Value, b: Value): Value {
  const lead = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const [p, q] = [a, b].map((x) => expanded(x, [...lead, ...x.shape.slice(-2)])) as [Value, Value];
  const [m, k, n] = [p.shape.at(-2)!, p.shape.at(-1)!, q.shape.at(-1)!];
  demand(q.shape.at(-2) === k, 'sides of a product');
  const count = p.items.length / (m * k);
  const parts = Array.from({ length: count }, (_, s) =>
    multiplied(
      call,
      { ...p, shape: [m, k], items: p.items.slice(s * m * k, (s + 1) * m * k) },
      { ...q, shape: [k, n], items: q.items.slice(s * k * n, (s + 1) * k * n) },
      ONE,
    ),
  );
  return { type: parts[0]!.type, shape: [...lead, m, n], items: parts.flatMap(({ items }) => items) };
}

/** α A B, one of which may depend on the data. */
function multiplied(call: Call, a: Value, b: Value, alpha: Exact): Value {
  const [m, k] = a.shape as [number, number];
  const n = b.shape[1]!;
  demand(b.shape[0] === k, 'sides of a product');
  demand(a.type !== 'cell' || b.type !== 'cell', 'a product of data by data');
  const constant = a.type === 'cell' ? b : a;
  const weights = constant.items.map((x) => alpha.times(Exact.of(x)));
  const items: number[] = [];
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      const left = Array.from({ length: k }, (_, l) => i * k + l);
      const right = left.map((_, l) => l * n + j);
      if (a.type === 'cell')
        items.push(
          call.builder.linear(
            left.map((at) => a.items[at]!),
            right.map((at) => weights[at]!),
          ),
        );
      else if (b.type === 'cell')
        items.push(
          call.builder.linear(
            right.map((at) => b.items[at]!),
            left.map((at) => weights[at]!),
          ),
        );
      else {
        const sum = left.reduce(
          (s, at, l) => s.plus(weights[at]!.times(Exact.of(b.items[right[l]!]!))),
          ZERO,
        );
        items.push(isInteger(a.type) ? wrapped(a.type as Type, sum.toNumber()) : sum.toNumber());
      }
    }
  return { type: a.type === 'cell' || b.type === 'cell' ? 'cell' : a.type, shape: [m, n], items };
}
