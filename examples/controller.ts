/**
 * A policy that imitates a linear law, and the loop that it is in: the local gain of what it gets wrong, in a small-gain condition
 * (docs/controllers.md). `npx tsx examples/controller.ts` writes policy.onnx, law.onnx and zero.npy;
 * `npx tsx examples/controller.ts loop` finds the region in which the loop is stable, and writes loop.json.
 */
import { writeFileSync } from 'node:fs';
import { type DenseLayer, difference, loadNetwork, NetworkBuilder, writeOnnx } from '../src/index.ts';

/** Angle and rate of a pendulum on its head, every 50 ms: x⁺ = A x + B u. */
const A = [
  [1, 0.05],
  [0.25, 0.99],
];
const B = [0, 0.05];

type Matrix = number[][];
const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));
const transposed = (a: Matrix): Matrix => a[0]!.map((_, j) => a.map((row) => row[j]!));
const plus = (a: Matrix, b: Matrix, by = 1): Matrix =>
  a.map((row, i) => row.map((value, j) => value + by * b[i]![j]!));
/** The larger singular value of a matrix of two columns. */
function norm(a: Matrix): number {
  const [[p, q], [, r]] = times(transposed(a), a) as [[number, number], [number, number]];
  return Math.sqrt((p + r) / 2 + Math.hypot((p - r) / 2, q));
}

/** The linear-quadratic law u = −K x for costs ‖x‖² + 0.1 u², and its Riccati matrix P. */
function law(): { K: Matrix; P: Matrix } {
  const column = B.map((value) => [value]);
  let P: Matrix = [
    [1, 0],
    [0, 1],
  ];
  let K: Matrix = [[0, 0]];
  for (let step = 0; step < 2000; step++) {
    const BP = times(transposed(column), P);
    const weight = 0.1 + times(BP, column)[0]![0]!;
    K = times(BP, A).map((row) => row.map((value) => value / weight));
    const closed = plus(A, times(column, K), -1);
    P = plus(times(times(transposed(A), P), closed), [
      [1, 0],
      [0, 1],
    ]);
  }
  return { K, P };
}

const { K, P } = law();
/** y = R x has ‖y‖² = xᵀ P x, what the law makes smaller in every step. */
const r = Math.sqrt(P[0]![0]!);
const R: Matrix = [
  [r, P[0]![1]! / r],
  [0, Math.sqrt(P[1]![1]! - (P[0]![1]! / r) ** 2)],
];
const fromY: Matrix = [
  [1 / R[0]![0]!, -R[0]![1]! / (R[0]![0]! * R[1]![1]!)],
  [0, 1 / R[1]![1]!],
];

/** Σ c tanh(w · x) as near to −K x as c can be at 200 points with ‖y‖ ≤ 2. */
function policyLayers(): DenseLayer[] {
  const neurons = 12;
  const directions = Array.from({ length: neurons }, (_, k) => {
    const angle = (Math.PI * (k + 0.5)) / neurons;
    const size = 0.5 + k / 24;
    return [size * Math.cos(angle), size * Math.sin(angle)];
  });
  const points = Array.from({ length: 200 }, (_, k) => {
    const [angle, far] = [2.39996 * k, 2 * Math.sqrt((k + 0.5) / 200)];
    return [far * Math.cos(angle), far * Math.sin(angle)];
  });
  const inX = times(points, transposed(fromY));
  const features = times(inX, transposed(directions)).map((row) => row.map(Math.tanh));
  const target = times(inX, transposed(K)).map((row) => row.map((value) => -value));
  const normal = times(transposed(features), features).map((row, i) =>
    row.map((value, j) => (i === j ? value + 1e-3 : value)),
  );
  const c = solved(normal, times(transposed(features), target));
  return [{ weight: fromY }, { weight: directions, activation: 'tanh' }, { weight: transposed(c) }];
}

/** a x = b by elimination; a is positive definite. */
function solved(a: Matrix, b: Matrix): Matrix {
  const rows = a.map((row, i) => [...row, ...b[i]!]);
  for (const [k, pivot] of rows.entries()) {
    for (const [i, row] of rows.entries()) {
      if (i === k) continue;
      const factor = row[k]! / pivot[k]!;
      for (let j = k; j < row.length; j++) row[j]! -= factor * pivot[j]!;
    }
  }
  return rows.map((row, k) => row.slice(a.length).map((value) => value / row[k]!));
}

if (process.argv[2] === 'loop') {
  const [policy, linear] = [await loadNetwork('policy.onnx'), await loadNetwork('law.onnx')];
  const column = B.map((value) => [value]);
  /** What the law leaves of ‖y‖ in a step, and what an error of 1 in u adds. */
  const rho = norm(times(times(R, plus(A, times(column, K), -1)), fromY));
  const input = norm(
    times(
      R,
      column.map((row) => [...row, 0]),
    ),
  );
  console.log(`‖y⁺‖ ≤ (${rho.toFixed(4)} + ${input.toFixed(4)} s) ‖y‖ where |policy − law| ≤ s ‖y‖\n`);
  console.log('‖y‖ up to    gain  largest       s  factor');
  const rows = [];
  let inner = 0;
  for (const radius of [0.25, 0.5, 1, 1.5, 2, 2.5, 3]) {
    const options = { at: new Float64Array(2), radius, lower: false, evaluations: 10 };
    const { gain, largest } = (await difference(policy, linear, options)).region!;
    // Nearer has been seen to, and farther out ‖y‖ is more than the last radius.
    const sector = Math.min(gain!, largest! / inner);
    const factor = rho + input * sector;
    rows.push({ radius, gain, largest, sector, factor });
    const numbers = [gain!, largest!, sector, factor].map((x) =>
      (Math.ceil(1e4 * x) / 1e4).toFixed(4).padStart(7),
    );
    console.log(`${radius.toFixed(2).padStart(9)} ${numbers.join(' ')}`);
    if (!(factor < 1)) break;
    inner = radius;
  }
  console.log(`\nfrom ‖y‖ ≤ ${inner} every path goes to 0`);
  writeFileSync('loop.json', `${JSON.stringify({ rho, input, stableWithin: inner, rows }, undefined, 2)}\n`);
} else {
  const linear = times(K, fromY).map((row) => row.map((value) => -value));
  writeFileSync('policy.onnx', writeOnnx(NetworkBuilder.fromDense(policyLayers())));
  writeFileSync('law.onnx', writeOnnx(NetworkBuilder.fromDense([{ weight: linear }])));
  const header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }".padEnd(117);
  const start = Buffer.from(`\x93NUMPY\x01\x00\x76\x00${header}\n`, 'latin1');
  writeFileSync('zero.npy', Buffer.concat([start, Buffer.alloc(16)]));
  console.log('policy.onnx, law.onnx, zero.npy');
}
