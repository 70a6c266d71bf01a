/**
 * Closed-form multipliers (docs/mathematics.md §4; Syed & Hu 2025, arXiv 2503.14297, where Λ = 2/D; SN(1) is ECLipsE-Fast of
 * Xu & Sivaranjani 2024). Each needs S alone and dominates it at every frequency.
 */
import type { Engine, Matrices, Vector } from '../../engine/engine.ts';
import { precisionOf } from '../../engine/precision.ts';

export type RuleName =
  | 'SN(1)'
  | 'SN(1.3)'
  | 'SN(1.5)'
  | 'GC(1.5)'
  | 'GC(1.7)'
  | 'GC(1.99)'
  | 'Shift(1.3)'
  | 'Shift(1.5)'
  | 'Shift(1.7)'
  | 'mixed';

export interface Rule {
  readonly name: RuleName;
  /** `spectral norm`: D = (2/c) σ. `row sums`: D = (2/c) ρ. `shift`: D = 2 max T + 2c max ‖½S − T‖, T = ½ diag S. */
  readonly family: 'spectral norm' | 'row sums' | 'shift';
  readonly c: number;
}

/** The rules that `mixed` chooses from, layer by layer. */
export const RULES: readonly Rule[] = [
  { name: 'SN(1)', family: 'spectral norm', c: 1 },
  { name: 'SN(1.3)', family: 'spectral norm', c: 1.3 },
  { name: 'SN(1.5)', family: 'spectral norm', c: 1.5 },
  { name: 'GC(1.5)', family: 'row sums', c: 1.5 },
  { name: 'GC(1.7)', family: 'row sums', c: 1.7 },
  { name: 'GC(1.99)', family: 'row sums', c: 1.99 },
  { name: 'Shift(1.3)', family: 'shift', c: 1.3 },
  { name: 'Shift(1.5)', family: 'shift', c: 1.5 },
  { name: 'Shift(1.7)', family: 'shift', c: 1.7 },
];

export const RULE_NAMES: readonly RuleName[] = [...RULES.map((r) => r.name), 'mixed'];

/** The least multiple of diag S that a shift rule takes. */
const LEAST_SHIFT = 1 + 2 ** -6;

/** What closed forms need to know of S, as maxima over frequencies. */
export interface Statistics {
  /** max Re S_ii. */
  readonly diagonal: Vector;
  /** σ = max λ_max(S), from above. */
  readonly radius?: Vector;
  /** σ, about. */
  readonly size?: Vector;
  /** ρ_i = max Σ_j |S_ij|. */
  readonly rowSums?: Vector;
  /** max ‖½S − ½ diag S‖, from above. */
  readonly offDiagonal?: Vector;
  /** max λ_max(T S T) for a given diagonal T, from above. */
  readonly shaped?: Vector;
}

export interface Wanted {
  readonly radius: boolean;
  /** Where the radius itself is not wanted. */
  readonly size: boolean;
  readonly rowSums: boolean;
  readonly offDiagonal: boolean;
}

export function wantedBy(rules: readonly Rule[]): Wanted {
  const has = (family: Rule['family']) => rules.some((r) => r.family === family);
  return { radius: has('spectral norm'), size: false, rowSums: has('row sums'), offDiagonal: has('shift') };
}

/** Where D is a free choice above S, norms need not be tighter than that. */
const COARSE = 2 ** -7;
/** Where D lies on the boundary, the bound is in proportion to them. */
const FINE = 2 ** -11;

/**
 * @param onBoundary whether D is to be as small as can be
 * @param whole what the radius is that of: S itself where absent
 */
export function statistics(
  engine: Engine,
  s: Matrices,
  wanted: Wanted,
  onBoundary: boolean,
  root: Vector | undefined,
  whole = s,
): Statistics {
  const tolerance = onBoundary ? FINE : COARSE;
  return {
    diagonal: engine.diagonal(s),
    ...(wanted.radius ? { radius: engine.spectralRadius(whole, tolerance) } : {}),
    ...(wanted.size && !wanted.radius ? { size: engine.estimatedRadius(whole) } : {}),
    ...(wanted.rowSums ? { rowSums: engine.rowSums(s) } : {}),
    ...(wanted.offDiagonal ? { offDiagonal: engine.offDiagonalRadius(s, tolerance) } : {}),
    ...(root ? { shaped: engine.spectralRadius(engine.scaleSides(s, root, root), FINE) } : {}),
  };
}

/** Statistics over two chunks of frequencies. */
export function merge(engine: Engine, a: Statistics, b: Statistics): Statistics {
  return {
    diagonal: engine.maximum(a.diagonal, b.diagonal),
    ...(a.radius && b.radius ? { radius: engine.maximum(a.radius, b.radius) } : {}),
    ...(a.size && b.size ? { size: engine.maximum(a.size, b.size) } : {}),
    ...(a.rowSums && b.rowSums ? { rowSums: engine.maximum(a.rowSums, b.rowSums) } : {}),
    ...(a.offDiagonal && b.offDiagonal ? { offDiagonal: engine.maximum(a.offDiagonal, b.offDiagonal) } : {}),
    ...(a.shaped && b.shaped ? { shaped: engine.maximum(a.shaped, b.shaped) } : {}),
  };
}

/**
 * D of a rule. `skip` (length 1, optional) is √(σ q) / g, what a skip connection beside the nonlinearity needs:
 * with q = λ_max of the skipped part and g the gain of the branch, D = (2/c)(base + √(σ q)/g) at c = 1 minimises
 * q + (√(qσ) + ½ g D)² / (D − σ), which bounds the block's output (docs/mathematics.md §4).
 *
 * @param even slopes are in [−β, β]: then D itself is the covariance of the image, and c = 1 stands for D next to σ
 */
export function multiplier(
  engine: Engine,
  rule: Rule,
  s: Statistics,
  skip: Vector | undefined,
  even = false,
): Vector {
  const ones = engine.vector(new Float64Array(s.diagonal.length).fill(1));
  const base = (): Vector => {
    switch (rule.family) {
      case 'spectral norm': {
        const factor = even ? Math.max(1 + evenExcess(engine), (1 + rule.c) / 2) : 2 / rule.c;
        return engine.combine([[factor, required(s.radius)], ...(skip ? ([[factor, skip]] as const) : [])]);
      }
      case 'row sums':
        return engine.combine([
          [2 / rule.c, required(s.rowSums)],
          ...(skip ? ([[2 / rule.c, skip]] as const) : []),
        ]);
      case 'shift': {
        const shifted = engine.combine([
          [1, s.diagonal],
          [2 * rule.c, required(s.offDiagonal)],
          ...(skip ? ([[2, skip]] as const) : []),
        ]);
        // Where S is (nearly) diagonal the rule leaves no distance between D and S.
        return engine.maximum(shifted, engine.combine([[LEAST_SHIFT, s.diagonal]]));
      }
      default:
        return rule.family satisfies never;
    }
  };
  return dominating(engine, engine.multiply(ones, base()));
}

/**
 * Whether a rule's D dominates S strictly by its definition, though its statistics are rounded.
 * @param radius factor by which the engine's spectral radii may be too small
 * @param sums likewise for row sums
 */
export function dominates(rule: Rule, radius: number, sums: number, even: boolean): boolean {
  switch (rule.family) {
    case 'spectral norm':
      // Next to S it has to be seen.
      return even ? 2 * radius < 1 + rule.c : rule.c * radius < 2;
    case 'row sums':
      return rule.c * sums < 2;
    case 'shift':
      return radius < rule.c;
    default:
      return rule.family satisfies never;
  }
}

/** D, but tiny and positive where it is 0: a row without any covariance. */
export function dominating(engine: Engine, d: Vector): Vector {
  return engine.maximum(d, engine.vector([tiny(engine)]));
}

/** The least D ⪰ S of a rule's family: what max pooling wants, where nothing repels D from S. */
export function leastMultiplier(engine: Engine, rule: Rule, s: Statistics): Vector {
  const tight: Rule = { ...rule, c: rule.family === 'shift' ? 1 : 2 };
  return multiplier(engine, tight, s, undefined);
}

function required(vector: Vector | undefined): Vector {
  if (!vector) throw new Error('multiplier: a statistic of S is missing');
  return vector;
}

/** How far D stays from S: what rounding adds to (D − S)⁻¹ grows with the square of its reciprocal. */
function evenExcess(engine: Engine): number {
  return precisionOf(engine.information) === 'double' ? 2 ** -24 : 2 ** -10;
}

/** Small against any covariance scaled to 1, yet its square and reciprocal are normal numbers. */
function tiny(engine: Engine): number {
  return precisionOf(engine.information) === 'double' ? 2 ** -400 : 2 ** -50;
}
