/**
 * Signals of any length (docs/mathematics.md §7): a bound for all frequencies ω ∈ [0, 2π)^d, of which a recursion sees N per axis.
 *
 * Between neighbouring frequencies, at ω_k + λ h with λ ∈ [0, 1], matrices are compared with their chords, X_λ = (1 − λ) X_k + λ X_{k+1}
 * (with d axes: the multilinear interpolant of 2^d neighbours). Three facts carry the recursion over the gaps.
 *
 * 1. (V, P) ↦ V P⁻¹ Vᴴ is jointly convex. So, if what lives is V f, for some increments f with Cov(f)⁻¹ ⪰ P_λ and the chord V_λ of V, its
 *    covariance is at most the chord of V_k P_k⁻¹ V_kᴴ, and what dominates that at the frequencies seen dominates it everywhere.
 * 2. A nonlinearity with αβ ≤ 0 adds to f its own image φ, and P ↦ [P + (αβ/r²) V_cᴴ D⁻¹ V_c, −(m/r²) V_cᴴ D⁻¹; …, D⁻¹/r²] with
 *    m = (α+β)/2, r = (β−α)/2: concave in (V_c, P), so that the new inverse is again at least its chord. Pooling, P − V_cᴴ D⁻¹ V_c, likewise,
 *    and leaving out what is dead (a Schur complement) is concave too. Where nothing but images lives on, f is what lives, V = I.
 * 3. A linear map W, with V before it, gives W V, which is not linear in λ, but ‖W V_λ − (its chord)‖ ≤ ε,
 *    ε = Σ_axes ⅛ (h² ‖∂²W‖ ‖V‖ + 2 h ‖∂W‖ ‖∂V‖), ∂V per λ. For any τ > 0 that is made good by
 *    S ← (1 + τ) S + (1 + 1/τ) ε² ‖Cov f‖ I. Here ‖∂ʲW‖ ≤ Σ_t |t − t₀|ʲ ‖K_t‖, where t₀ may be chosen freely for every variable (a common
 *    phase of a variable changes no bound).
 *
 * Aliasing (strides) takes means of covariances with one λ, which changes nothing. ε is O(N⁻²): a few hundred frequencies do where
 * cells of constant matrices, with an error of O(N⁻¹), would need many thousands.
 */

import { largest } from '../../network/extremes.ts';
import type { Gap, Interpolation } from '../../program/interpolation.ts';
import {
  gridSides,
  type LinearStep,
  type Live,
  type Program,
  type Segment,
  type Step,
} from '../../program/program.ts';
import type { Variable } from '../../program/variables.ts';
import type { Sample, SampledMap, StepNorms } from './taps.ts';

/** The part of V that belongs to one live variable: ‖V‖, and ‖∂V‖ per axis. */
interface Reach {
  readonly norm: number;
  readonly slopes: readonly number[];
  readonly free: boolean;
}

/** Covers float64 arithmetic on nonnegative numbers. */
const UP = 1 + 2 ** -40;

/**
 * The program on tori with `frequencies` samples per axis of every segment's coarsest grid, valid between them.
 * @param program compiled for any length
 */
export function interpolated(
  program: Program,
  norms: ReadonlyMap<Step, StepNorms>,
  frequencies: number,
  samples: ReadonlyMap<Variable, number>,
): Program {
  const segments = program.segments.map((segment): Segment => {
    const own = onTorus(segment, frequencies);
    return own.axes === 0 ? own : { ...own, interpolation: new Plan(own, norms).run(samples) };
  });
  return { ...program, segments, torusOf: new Map() };
}

/** A program without what the gaps between frequencies cost: no bound for any length, but what it tends to. */
export function atFrequencies(program: Program): Program {
  const segments = program.segments.map((segment): Segment => {
    if (!segment.interpolation) return segment;
    return { ...segment, interpolation: { ...segment.interpolation, gaps: new Map() } };
  });
  return { ...program, segments };
}

/** A segment on the torus with so many samples of its coarsest grid per axis. */
function onTorus(segment: Segment, frequencies: number): Segment {
  if (segment.axes === 0) return segment;
  return { ...segment, torus: segment.grids.at(-1)!.map((spacing) => spacing * frequencies) };
}

class Plan {
  readonly #segment: Segment;
  readonly #norms: ReadonlyMap<Step, StepNorms>;
  /** t₀ of every variable, in units of the torus. */
  readonly #origins = new Map<Variable, readonly number[]>();
  #reaches = new Map<Variable, Reach>();

  constructor(segment: Segment, norms: ReadonlyMap<Step, StepNorms>) {
    this.#segment = segment;
    this.#norms = norms;
  }

  run(samples: ReadonlyMap<Variable, number>): Interpolation {
    const segment = this.#segment;
    const gaps = new Map<number, Gap>();
    const free: boolean[] = [];
    for (const { variable } of segment.start)
      this.#begin(
        variable,
        segment.grids[0]!.map(() => 0),
      );
    for (const [k, step] of segment.steps.entries()) {
      free.push(this.#allFree());
      if (step.kind === 'linear') gaps.set(k, this.#linear(k, step));
      else if (step.kind !== 'read') {
        const origin = this.#origins.get(step.source.variable)!;
        const kept = step.kept.map(({ variable }) => [variable, this.#reaches.get(variable)!] as const);
        this.#reaches = new Map(kept);
        this.#begin(step.target.variable, origin);
      }
    }
    free.push(this.#allFree());
    return { gaps, free, samples };
  }

  #allFree(): boolean {
    return [...this.#reaches.values()].every((r) => r.free);
  }

  /** A variable that is part of f. */
  #begin(variable: Variable, origin: readonly number[]): void {
    this.#origins.set(variable, origin);
    this.#reaches.set(variable, { norm: 1, slopes: origin.map(() => 0), free: true });
  }

  #linear(k: number, step: LinearStep): Gap {
    const { blocks, size } = this.#norms.get(step)!;
    const grid = this.#segment.grids[k]!;
    const widths = gridSides(this.#segment, k).map((n) => ((2 * Math.PI) / n) * UP);
    const before = this.#reaches;
    const next = new Map<Variable, Reach>();
    const gapOf = new Map<Live, number>();
    for (const target of step.after) {
      const { variable } = target;
      const kept = before.get(variable);
      const own = blocks.filter((b) => b.target === target);
      if (!kept) this.#origins.set(variable, this.#centre(own, grid));
      let norm = 0;
      let gap = 0;
      const slopes = grid.map(() => 0);
      for (const block of own) {
        const source = before.get(block.source.variable)!;
        const total = block.samples.reduce((sum, s) => sum + s.norm, 0);
        norm += total * source.norm;
        grid.forEach((_, a) => {
          const [first, second] = this.#moments(block, variable, a, grid);
          const width = widths[a]!;
          slopes[a]! += width * first * source.norm + total * source.slopes[a]!;
          gap += (width ** 2 * second * source.norm + 2 * width * first * source.slopes[a]!) / 8;
        });
      }
      const still = step.ratio.every((r) => r === 1);
      const stays = kept?.free === true && still;
      next.set(variable, stays ? kept : { norm: norm * UP, slopes: slopes.map((s) => s * UP), free: false });
      gapOf.set(target, stays ? 0 : gap * UP);
    }
    const epsilon = Math.hypot(...gapOf.values()) * UP;
    if (epsilon === 0) {
      this.#reaches = next;
      return { stretch: 0, share: 0, rows: new Float64Array(rowsOf(step)) };
    }
    const incoming = largest([...before.values()].map((r) => r.norm));
    const stretch = epsilon / (BALANCE * size * incoming);
    const noise = Math.sqrt(1 + 1 / stretch) * epsilon * UP;
    const rows = new Float64Array(rowsOf(step));
    for (const [{ variable, start, rows: count }, own] of gapOf) {
      if (own === 0) continue;
      rows.fill(1, start, start + count);
      const reach = next.get(variable)!;
      // What is added counts as one more increment, independent of all.
      next.set(variable, { ...reach, norm: Math.hypot(reach.norm, noise) * UP });
    }
    this.#reaches = next;
    return { stretch, share: noise ** 2 * UP, rows };
  }

  /** The t₀ that makes the second moment least. */
  #centre(blocks: readonly SampledMap[], grid: readonly number[]): number[] {
    return grid.map((_, a) => {
      let weight = 0;
      let sum = 0;
      for (const { source, samples } of blocks) {
        for (const sample of samples) {
          weight += sample.norm;
          sum += sample.norm * this.#place(source.variable, sample, a, grid);
        }
      }
      return weight > 0 ? sum / weight : 0;
    });
  }

  /** Where a sample lies from the source's origin, in units. */
  #place(source: Variable, { offset }: Sample, axis: number, grid: readonly number[]): number {
    return offset[axis]! * grid[axis]! + this.#origins.get(source)![axis]!;
  }

  /** Σ |t − t₀| ‖K_t‖ and Σ (t − t₀)² ‖K_t‖, in samples of the grid. */
  #moments(block: SampledMap, target: Variable, axis: number, grid: readonly number[]): [number, number] {
    const origin = this.#origins.get(target)![axis]!;
    let first = 0;
    let second = 0;
    for (const sample of block.samples) {
      const distance =
        Math.abs(this.#place(block.source.variable, sample, axis, grid) - origin) / grid[axis]!;
      first += distance * sample.norm;
      second += distance ** 2 * sample.norm;
    }
    return [first * UP, second * UP];
  }
}

/** How much larger than ε/‖S‖ the stretch is chosen, ‖S‖ about what white noise would give: covariances are usually smaller. */
const BALANCE = 2;

function rowsOf(step: LinearStep): number {
  return step.after.reduce((sum, l) => sum + l.rows, 0);
}
