/**
 * A referee for the refined method: LipSDP-neuron (Fazlyab et al. 2019, arXiv 1906.04893) on small dense networks by an
 * interior-point method. One linear matrix inequality over all increments at once, so that nothing of the layer-by-layer
 * recursion of docs/mathematics.md §1 is in it.
 *
 * With z = (Δx₀, Δφ of every neuron), every tensor is a matrix times z, and an activation y ↦ φ with slopes in [α, β] obeys
 * (β Δy − Δφ)(Δφ − α Δy) ≥ 0 neuron by neuron. Hence L² ≤ ρ wherever λ ≥ 0 and
 *
 *     M(ρ, λ) = ρ E₀ᵀE₀ − CᵀC − Σ_i λ_i (p_i q_iᵀ + q_i p_iᵀ) ⪰ 0 ,   p_i = β y_i − φ_i ,   q_i = φ_i − α y_i ,
 *
 * E₀ the rows of z that hold Δx₀, C those that make the output, y_i and φ_i rows over z.
 */
import { cholesky, type Dense, inverse, product, transpose, zeros } from './symmetric.ts';

/** (φ(a) − φ(b)) / (a − b) lies between them. */
interface Slopes {
  readonly lower: number;
  readonly upper: number;
}

export type Layer =
  /** y = W x */
  | { readonly kind: 'linear'; readonly weight: Dense }
  /** y = φ(x) */
  | ({ readonly kind: 'activation' } & Slopes)
  /** y = x + G φ(W x), W = inner, G = outer */
  | ({ readonly kind: 'residual'; readonly inner: Dense; readonly outer: Dense } & Slopes);

/** Duality gap at which the path ends, as a fraction of ρ. */
const RELATIVE_GAP = 1e-8;
/** Growth of the barrier's weight from one centre to the next. */
const GROWTH = 10;
/** Newton decrement of what counts as a centre; the gap is then off by a fraction of it. */
const CENTRED = 1e-3;
const MOST_STEPS = 2000;

/**
 * The LipSDP-neuron bound L = √ρ of a chain of layers, from a strictly feasible point: never below the optimum, and at most
 * `RELATIVE_GAP` above it.
 *
 * The path of minimisers of t ρ − log det M − Σ log λ_i is followed by Newton's method, whose step over 1 + its decrement
 * stays feasible and descends without a line search (Nesterov & Nemirovskii: both barriers are self-concordant).
 * @throws Error where the path is lost
 */
export function lipsdp(layers: readonly Layer[], inputs: number): number {
  const problem = stack(layers, inputs);
  const degree = problem.output.columns + problem.depth.length;
  let point = feasibleStart(problem);
  let weight = degree / point.rho;
  for (let step = 0; step < MOST_STEPS; step++) {
    const { rho, lambda, decrement } = newton(problem, point, weight);
    const length = decrement < 0.25 ? 1 : 1 / (1 + decrement);
    point = {
      rho: point.rho + length * rho,
      lambda: point.lambda.map((value, i) => value + length * lambda[i]!),
    };
    if (!(decrement < CENTRED)) continue;
    if (degree / weight < RELATIVE_GAP * point.rho) return Math.sqrt(point.rho);
    weight *= GROWTH;
  }
  throw new Error(`lipsdp: the path ends within ${MOST_STEPS} steps, got to a weight of ${weight}`);
}

interface Problem {
  readonly inputs: number;
  /** C: outputs × size of z */
  readonly output: Dense;
  /** p_i and q_i: neurons × size of z */
  readonly p: Dense;
  readonly q: Dense;
  /** Activations before the neuron's own. */
  readonly depth: readonly number[];
}

interface Variables {
  readonly rho: number;
  readonly lambda: readonly number[];
}

/** The network as rows over z. */
function stack(layers: readonly Layer[], inputs: number): Problem {
  const size = sizeOf(layers, inputs);
  const p: Dense[] = [];
  const q: Dense[] = [];
  const depth: number[] = [];
  let known = 0;
  const unknowns = (count: number): Dense => {
    const rows = zeros(count, size);
    for (let i = 0; i < count; i++) rows.data[i * size + known + i] = 1;
    known += count;
    return rows;
  };
  const activate = (y: Dense, { lower, upper }: Slopes): Dense => {
    const phi = unknowns(y.rows);
    depth.push(...new Array<number>(y.rows).fill(p.length));
    p.push(combine(upper, y, -1, phi));
    q.push(combine(1, phi, -lower, y));
    return phi;
  };
  let tensor = unknowns(inputs);
  for (const layer of layers) {
    switch (layer.kind) {
      case 'linear':
        tensor = product(layer.weight, tensor);
        break;
      case 'activation':
        tensor = activate(tensor, layer);
        break;
      case 'residual':
        tensor = combine(1, tensor, 1, product(layer.outer, activate(product(layer.inner, tensor), layer)));
        break;
      default:
        layer satisfies never;
    }
  }
  return { inputs, output: tensor, p: below(p, size), q: below(q, size), depth };
}

/** Entries of z. */
function sizeOf(layers: readonly Layer[], inputs: number): number {
  let [width, size] = [inputs, inputs];
  for (const layer of layers) {
    if (layer.kind === 'linear') width = layer.weight.rows;
    else size += layer.kind === 'activation' ? width : layer.inner.rows;
  }
  return size;
}

/**
 * Multipliers that fall by a factor from each activation to the next: once it is large enough, M is dominated by its diagonal 2λ_i,
 * since all it holds besides couples a neuron with the deeper ones through the smaller of the two multipliers.
 */
function feasibleStart(problem: Problem): Variables {
  const deepest = problem.depth.at(-1) ?? 0;
  for (let factor = 2; factor < 1e12; factor *= 2) {
    const lambda = problem.depth.map((k) => factor ** (deepest + 1 - k));
    const rho = factor ** (deepest + 2);
    if (cholesky(slack(problem, { rho, lambda }))) return { rho, lambda };
  }
  throw new Error('lipsdp: a feasible start exists for bounded weights, got none');
}

/** M(ρ, λ) */
function slack({ inputs, output, p, q }: Problem, { rho, lambda }: Variables): Dense {
  const weighted = { ...q, data: q.data.map((value, k) => value * lambda[Math.floor(k / q.columns)]!) };
  const half = product(transpose(p), weighted);
  const m = combine(-1, product(transpose(output), output), -1, combine(1, half, 1, transpose(half)));
  for (let i = 0; i < inputs; i++) m.data[i * m.columns + i]! += rho;
  return m;
}

/**
 * The Newton step and its decrement. With X = M⁻¹ and A_i = ∂M/∂λ_i, −log det M has the gradient −tr X A_i and the Hessian
 * tr X A_i X A_j, here through the factors p and q of A_i.
 */
function newton(problem: Problem, point: Variables, weight: number): Variables & { decrement: number } {
  const { inputs, p, q } = problem;
  const x = inverse(slack(problem, point));
  if (!x || !point.lambda.every((value) => value > 0))
    throw new Error('lipsdp: M ≻ 0 and λ > 0, got neither');
  const [count, n] = [p.rows, p.rows + 1];
  const [xp, xq] = [product(x, transpose(p)), product(x, transpose(q))];
  const [pp, pq, qq] = [product(p, xp), product(p, xq), product(q, xq)];
  const at = (a: Dense, i: number, j: number) => a.data[i * a.columns + j]!;

  // The unknowns are λ, then ρ.
  const [gradient, hessian] = [zeros(n, 1), zeros(n, n)];
  gradient.data[count] = weight;
  for (let k = 0; k < inputs; k++) {
    gradient.data[count]! -= at(x, k, k);
    for (let j = 0; j < inputs; j++) hessian.data[n * n - 1]! += at(x, k, j) ** 2;
  }
  for (let i = 0; i < count; i++) {
    gradient.data[i] = 2 * at(pq, i, i) - 1 / point.lambda[i]!;
    for (let j = 0; j < count; j++) {
      hessian.data[i * n + j] = 2 * (at(pp, i, j) * at(qq, i, j) + at(pq, i, j) * at(pq, j, i));
    }
    hessian.data[i * n + i]! += point.lambda[i]! ** -2;
    for (let k = 0; k < inputs; k++) hessian.data[i * n + count]! -= 2 * at(xp, k, i) * at(xq, k, i);
    hessian.data[count * n + i] = hessian.data[i * n + count]!;
  }

  const inverted = inverse(hessian);
  if (!inverted)
    throw new Error('lipsdp: the Hessian of the barrier is positive definite, got one that is not');
  const step = product(inverted, gradient).data.map((value) => -value);
  const descent = step.reduce((sum, value, i) => sum - value * gradient.data[i]!, 0);
  return { rho: step[count]!, lambda: [...step.subarray(0, count)], decrement: Math.sqrt(descent) };
}

/** a A + b B */
function combine(a: number, left: Dense, b: number, right: Dense): Dense {
  return { ...left, data: left.data.map((value, i) => a * value + b * right.data[i]!) };
}

/** One matrix below the other. */
function below(parts: readonly Dense[], columns: number): Dense {
  const data = Float64Array.from(parts.flatMap((part) => [...part.data]));
  return { rows: data.length / columns, columns, data };
}
