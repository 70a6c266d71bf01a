/** Realisations of convolutions against their symbol, against the operator itself, and against the rank of their Hankel matrix. */
import { describe, expect, it } from 'vitest';
import { evaluateOperator } from '../../src/network/evaluation/evaluate.ts';
import { inDouble } from '../../src/network/numbers.ts';
import type { Convolution } from '../../src/network/operator.ts';
import { outputShape } from '../../src/network/shape.ts';
import { type Realisation, realise } from '../../src/sdp/stateSpace.ts';
import { Random } from '../support/random.ts';

interface Shape {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly groups: number;
  readonly before: number;
}

const SHAPES: readonly Shape[] = [
  { inputs: 1, outputs: 4, kernel: 5, stride: 1, dilation: 1, groups: 1, before: 2 },
  { inputs: 4, outputs: 2, kernel: 3, stride: 1, dilation: 1, groups: 1, before: 0 },
  { inputs: 3, outputs: 2, kernel: 4, stride: 1, dilation: 3, groups: 1, before: 5 },
  { inputs: 2, outputs: 3, kernel: 7, stride: 2, dilation: 1, groups: 1, before: 3 },
  { inputs: 3, outputs: 2, kernel: 3, stride: 2, dilation: 2, groups: 1, before: 2 },
  { inputs: 2, outputs: 5, kernel: 5, stride: 3, dilation: 2, groups: 1, before: 1 },
  { inputs: 2, outputs: 2, kernel: 2, stride: 4, dilation: 1, groups: 1, before: 0 },
  { inputs: 6, outputs: 4, kernel: 3, stride: 1, dilation: 1, groups: 2, before: 1 },
  { inputs: 4, outputs: 8, kernel: 5, stride: 2, dilation: 1, groups: 4, before: 2 },
  { inputs: 3, outputs: 3, kernel: 1, stride: 1, dilation: 1, groups: 1, before: 0 },
];

function convolution(random: Random, shape: Shape): Convolution {
  const { inputs, outputs, groups, kernel, stride, dilation, before } = shape;
  return {
    kind: 'convolution',
    inputs,
    outputs,
    groups,
    kernel: [kernel],
    stride: [stride],
    dilation: [dilation],
    padding: { mode: 'zero', before: [before], after: [before + 1] },
    weight: random.normals((outputs * inputs * kernel) / groups),
  };
}

type Complex = readonly [re: number, im: number];

const unit = (angle: number): Complex => [Math.cos(angle), Math.sin(angle)];
const times = ([a, b]: Complex, [c, d]: Complex): Complex => [a * c - b * d, a * d + b * c];
const plus = ([a, b]: Complex, [c, d]: Complex): Complex => [a + c, b + d];

/** W(ω)[o][i] = Σ_t K_t e^{iω(rt − p)}, straight from the definition. */
function symbol(op: Convolution, omega: number): Complex[][] {
  const { outputs, inputs, groups, weight } = op;
  const taps = op.kernel[0]!;
  return Array.from({ length: outputs }, (_, o) =>
    Array.from({ length: inputs }, (_, i) => {
      const first = Math.floor(o / (outputs / groups)) * (inputs / groups);
      if (i < first || i >= first + inputs / groups) return [0, 0];
      return Array.from({ length: taps }, (_, t): Complex => {
        const k = weight[(o * (inputs / groups) + i - first) * taps + t]!;
        const [re, im] = unit(omega * (op.dilation[0]! * t - op.padding.before[0]!));
        return [k * re, k * im];
      }).reduce(plus);
    }),
  );
}

/** (C(zI − A)⁻¹B + D) E with z = e^{iωs} and (E v)_b = e^{iω(lead − b)} v. */
function transfer({ system, lead }: Realisation, op: Convolution, omega: number): Complex[][] {
  const { a, b, c, d } = system;
  const n = a.rows;
  const stride = op.stride[0]!;
  const lifted = (m: typeof b, row: number, i: number): Complex =>
    Array.from({ length: stride }, (_, k): Complex => {
      const value = m.data[row * m.columns + k * op.inputs + i]!;
      const [re, im] = unit(omega * (lead - k));
      return [value * re, value * im];
    }).reduce(plus);
  const z = unit(omega * stride);
  const resolvent = Array.from({ length: n }, (_, row) =>
    Array.from({ length: n }, (_, k): Complex => {
      const value = -a.data[row * n + k]!;
      return row === k ? [value + z[0], z[1]] : [value, 0];
    }),
  );
  const states = solve(
    resolvent,
    Array.from({ length: n }, (_, row) => Array.from({ length: op.inputs }, (_, i) => lifted(b, row, i))),
  );
  return Array.from({ length: c.rows }, (_, o) =>
    Array.from({ length: op.inputs }, (_, i) =>
      states.map((x, k): Complex => times([c.data[o * n + k]!, 0], x[i]!)).reduce(plus, lifted(d, o, i)),
    ),
  );
}

/** M⁻¹ R by Gaussian elimination with pivoting. */
function solve(m: Complex[][], r: Complex[][]): Complex[][] {
  const rows = m.map((row, k) => [...row, ...r[k]!]);
  const n = m.length;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let row = k; row < n; row++)
      if (Math.hypot(...rows[row]![k]!) > Math.hypot(...rows[pivot]![k]!)) pivot = row;
    [rows[k], rows[pivot]] = [rows[pivot]!, rows[k]!];
    const [re, im] = rows[k]![k]!;
    const inverse: Complex = [re / (re * re + im * im), -im / (re * re + im * im)];
    rows[k] = rows[k]!.map((x) => times(x, inverse));
    for (let row = 0; row < n; row++) {
      if (row === k) continue;
      const [fre, fim] = rows[row]![k]!;
      rows[row] = rows[row]!.map((x, j) => plus(x, times([-fre, -fim], rows[k]![j]!)));
    }
  }
  return rows.map((row) => row.slice(n));
}

/** The largest difference of entries; NaN where one of them is. */
function distance(a: readonly Complex[][], b: readonly Complex[][]): number {
  expect(a.length).toBe(b.length);
  return Math.max(
    ...a.flatMap((row, o) => row.map(([re, im], i) => Math.hypot(re - b[o]![i]![0], im - b[o]![i]![1]))),
  );
}

describe('a realisation', () => {
  it.each(SHAPES)('has the symbol of its convolution: %o', (shape) => {
    const random = new Random(3);
    const op = convolution(random, shape);
    const realisation = realise(op);
    for (let k = 0; k < 8; k++) {
      const omega = random.between(-Math.PI, Math.PI);
      expect(distance(transfer(realisation, op, omega), symbol(op, omega))).toBeLessThan(1e-12);
    }
  });

  it('would be found out with its samples off by one, or with the taps the other way round', () => {
    const op = convolution(new Random(3), SHAPES[0]!);
    const realisation = realise(op);
    const late = { ...realisation, lead: realisation.lead + 1 };
    expect(distance(transfer(late, op, 1), symbol(op, 1))).toBeGreaterThan(0.1);
    const reversed = { ...op, weight: inDouble(op.weight).toReversed() };
    expect(distance(transfer(realise(reversed), op, 1), symbol(op, 1))).toBeGreaterThan(0.1);
  });

  it.each(SHAPES)('does in time what the convolution does: %o', (shape) => {
    const random = new Random(4);
    const op = convolution(random, shape);
    const samples = 23;
    const signal = random.normals(op.inputs * samples);
    const [channels, count] = outputShape('conv', op, [[op.inputs, samples]]) as [number, number];
    const wanted = evaluateOperator(op, [signal], [[op.inputs, samples]], [channels, count]);
    const got = simulate(realise(op), op, signal, samples, count);
    expect(got.length).toBe(wanted.length);
    expect(Math.max(...got.map((value, k) => Math.abs(value - wanted[k]!)))).toBeLessThan(1e-12);
  });

  it.each(SHAPES.filter((s) => s.groups * s.stride * s.dilation === 1))('is minimal: %o', (shape) => {
    const op = convolution(new Random(5), shape);
    const { system } = realise(op);
    const n = system.a.rows;
    const steps = n + 1;
    const response = Array.from({ length: 2 * steps }, (_, q) => markov(system, q + 1));
    const hankel = Array.from({ length: steps * op.outputs }, (_, row) =>
      Array.from({ length: steps * system.d.columns }, (_, column) => {
        const q = Math.floor(row / op.outputs) + Math.floor(column / system.d.columns);
        return response[q]![row % op.outputs]![column % system.d.columns]!;
      }),
    );
    expect(rank(hankel)).toBe(n);
  });

  it('is refused for images', () => {
    const op = { ...convolution(new Random(6), SHAPES[0]!), kernel: [3, 3] };
    expect(() => realise(op)).toThrow(/one axis, got 2/);
  });
});

/** Outputs 0 … count − 1 of the system at rest, fed from its first sample on. */
function simulate(
  { system, lead }: Realisation,
  op: Convolution,
  signal: Float64Array,
  samples: number,
  count: number,
): Float64Array {
  const { a, b, c, d } = system;
  const n = a.rows;
  const stride = op.stride[0]!;
  const output = new Float64Array(op.outputs * count);
  let x = new Float64Array(n);
  // Early enough that no sample is missed.
  for (let j = -Math.ceil(samples / stride) - lead; j < count; j++) {
    const u = Float64Array.from({ length: d.columns }, (_, k) => {
      const at = stride * j + lead - Math.floor(k / op.inputs);
      return at >= 0 && at < samples ? signal[(k % op.inputs) * samples + at]! : 0;
    });
    const dot = (m: typeof a, row: number, v: Float64Array) =>
      v.reduce((sum, value, k) => sum + m.data[row * m.columns + k]! * value, 0);
    if (j >= 0) for (let o = 0; o < op.outputs; o++) output[o * count + j] = dot(c, o, x) + dot(d, o, u);
    x = Float64Array.from({ length: n }, (_, k) => dot(a, k, x) + dot(b, k, u));
  }
  return output;
}

/** C A^{q−1} B */
function markov({ a, b, c }: Realisation['system'], q: number): number[][] {
  const n = a.rows;
  let block = Array.from({ length: n }, (_, row) => [
    ...b.data.subarray(row * b.columns, (row + 1) * b.columns),
  ]);
  const apply = (m: typeof a) =>
    Array.from({ length: m.rows }, (_, row) =>
      Array.from({ length: b.columns }, (_, column) =>
        block.reduce((sum, x, k) => sum + m.data[row * n + k]! * x[column]!, 0),
      ),
    );
  for (let k = 1; k < q; k++) block = apply(a);
  return apply(c);
}

function rank(matrix: number[][]): number {
  const rows = matrix.map((row) => [...row]);
  let found = 0;
  for (let column = 0; column < (rows[0]?.length ?? 0) && found < rows.length; column++) {
    let pivot = found;
    for (let row = found; row < rows.length; row++)
      if (Math.abs(rows[row]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = row;
    if (Math.abs(rows[pivot]![column]!) < 1e-9) continue;
    [rows[found], rows[pivot]] = [rows[pivot]!, rows[found]!];
    for (let row = found + 1; row < rows.length; row++) {
      const factor = rows[row]![column]! / rows[found]![column]!;
      rows[row] = rows[row]!.map((value, k) => value - factor * rows[found]![k]!);
    }
    found++;
  }
  return found;
}
