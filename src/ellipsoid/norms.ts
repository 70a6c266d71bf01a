/** Spectral norms of the linear maps of a program, each on the torus of its segment, from above. */
import { bytesPerNumber } from '../engine/bytesPerNumber.ts';
import type { Engine, Vector } from '../engine/engine.ts';
import { scoped } from '../engine/scope.ts';
import { type Scaled, scaled, squareRoot } from '../scaled.ts';
import { type Frequencies, halfTorus, refine, slice } from '../spectrum/frequencies.ts';
import { affine, read, type StepTaps, symbolOf, termTaps } from './affine.ts';
import type { Norms } from './gains.ts';
import { MOST_UPLOADED } from './partition.ts';
import type { PlacedTerm, Program, Segment } from './program.ts';
import { congruenceByColumns } from './symbols.ts';
import type { LinearMap } from './variables.ts';

export interface NormsOptions {
  /** Memory budget in bytes. */
  readonly memory: number;
  readonly signal?: AbortSignal | undefined;
  readonly onMap?: (segment: Segment, k: number, placed: PlacedTerm) => void;
}

/** Norms of all maps but identities, read back once at the end. */
export async function normsOf(engine: Engine, program: Program, options: NormsOptions): Promise<Norms> {
  const found: { map: LinearMap; squared: Vector; exponent: number }[] = [];
  const seen = new Set<LinearMap>();
  for (const segment of program.segments) {
    for (const [k, step] of segment.steps.entries()) {
      if (step.kind !== 'linear' && step.kind !== 'read') continue;
      for (const placed of step.terms) {
        const map = placed.term.map;
        if (map.kind === 'identity' || seen.has(map)) continue;
        seen.add(map);
        const taps = termTaps(placed, segment.axes);
        found.push({
          map,
          squared: squaredNorm(engine, segment, k, placed, taps, options.memory),
          exponent: taps.exponent,
        });
        await engine.settle(options.signal);
        options.onMap?.(segment, k, placed);
      }
    }
  }
  const values = found.length > 0 ? await engine.read(...found.map((f) => f.squared)) : [];
  engine.release(...found.map((f) => f.squared));
  return new Map<LinearMap, Scaled>(
    found.map((f, i) => [f.map, squareRoot(scaled(values[i]![0]!, 2 * f.exponent))]),
  );
}

/** max_ω of λ_max(W Wᴴ), aliased where the map has a stride, or of Σ_ω W Wᴴ where it reads whole windows. */
function squaredNorm(
  engine: Engine,
  segment: Segment,
  k: number,
  placed: PlacedTerm,
  taps: StepTaps,
  memory: number,
): Vector {
  const { map } = placed.term;
  if (segment.axes === 0) return scoped(engine, (e) => e.spectralRadius(smallerGram(e, taps)));
  const side = segment.grids[k]!.map((g, a) => (segment.torus[a]! / g) * placed.source.lift[a]!);
  const ratio = map.kind === 'convolution' ? map.stride : side.map(() => 1);
  const copies = ratio.reduce((p, r) => p * r, 1);
  const coarse = halfTorus(side.map((n, a) => n / ratio[a]!));
  const reads = map.kind === 'read' || map.kind === 'total';
  const bytes =
    2 * bytesPerNumber(engine) * copies * (2 * taps.rows * taps.columns + 3 * taps.rows * taps.rows);
  const size = Math.max(1, Math.floor(memory / bytes));
  const matrices = engine.matrices(taps.matrices, 1, taps.taps.length, taps.rows * taps.columns, false);
  const result = scoped(engine, (e) => {
    const parts: Frequencies[] = [];
    for (let start = 0; start < coarse.count; start += size) {
      const part = slice(coarse, start, Math.min(coarse.count, start + size));
      parts.push(copies === 1 ? part : refine(part, ratio));
    }
    if (reads) {
      const sums = parts.map((f) => scoped(e, (i) => read(i, symbolOf(i, taps, matrices, f), undefined, f)));
      return e.spectralRadius(sums.reduce((a, b) => e.add(a, b)));
    }
    const radii = parts.map((f) =>
      scoped(e, (i) => i.spectralRadius(affine(i, symbolOf(i, taps, matrices, f), undefined, copies))),
    );
    return radii.reduce((a, b) => e.maximum(a, b));
  });
  engine.release(matrices);
  return result;
}

/** W Wᵀ or Wᵀ W, whichever is smaller. */
function smallerGram(engine: Engine, taps: StepTaps) {
  const { rows, columns, matrices } = taps;
  if (rows <= columns) return congruenceByColumns(engine, taps, undefined, MOST_UPLOADED);
  const transposed = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) transposed[c * rows + r] = matrices[r * columns + c]!;
  }
  return congruenceByColumns(
    engine,
    { ...taps, rows: columns, columns: rows, matrices: transposed },
    undefined,
    MOST_UPLOADED,
  );
}
