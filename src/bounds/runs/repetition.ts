/**
 * What float32 costs a bound, and the remedy: where rounding inflates the best of the rows too much, or lets none of them stand, its
 * last pass is repeated in float64 on the CPU.
 */
import { programCost } from '../../ellipsoid/memory/cost.ts';
import { createEngine } from '../../engine/create.ts';
import { over, toNumber } from '../../scaled.ts';
import type { BoundTask } from '../task.ts';
import { least, type Row, rowValue } from './rows.ts';

/** Operations of a pass that are repeated without being asked for: a minute or two of a CPU. */
const AFFORDABLE = 2e12;

export interface Repetition {
  /** In place of those given. */
  readonly rows: readonly Row[];
  /** What was done, or could not be, in a sentence. */
  readonly note?: string;
}

/** Rows whose rounding is not accounted for, or hardly inflates the best of them, stay as they are. */
export async function repeatedRows(task: BoundTask, rows: readonly Row[]): Promise<Repetition> {
  try {
    return await repeated(task, rows);
  } catch (error) {
    const { signal, interrupt, deadline } = task;
    if (signal?.aborted || !(interrupt?.aborted || deadline.over)) throw error;
    return { rows };
  }
}

/** A row whose last pass can be repeated. */
type Candidate = Row & { readonly [K in 'again' | 'program']: NonNullable<Row[K]> };

function isCandidate(row: Row): row is Candidate {
  return row.again !== undefined && row.program !== undefined;
}

async function repeated(
  { engine, query, rounding, interrupt, deadline }: BoundTask,
  rows: readonly Row[],
): Promise<Repetition> {
  const { pair, inflationLimit: limit } = query;
  if (!rounding?.coarse || interrupt?.aborted || deadline.over) return { rows };
  const best = least(rows);
  // The estimate is rather too large: below the limit there is nothing to do.
  const estimate = best?.outcome?.inflation?.factor;
  if (best && (estimate === undefined || estimate <= 1 + limit)) return { rows };

  const candidates = (best ? [best] : rows).filter(isCandidate);
  const tooLong = 'a pass in float64 on the CPU takes too long to be made unasked; choose the engine cpu';
  // Nor is it worth a pass on the GPU to know whether one on the CPU would be.
  if (candidates.length > 0 && candidates.every(({ program }) => programCost(program) > AFFORDABLE)) {
    const why = estimate
      ? `rounding in float32 adds ${percent(estimate)} or less`
      : 'in float32 rounding lets no bound stand';
    return { rows, note: `${why}; ${tooLong}` };
  }

  // What the winner, or every row that none of the proofs let stand, would be without an analysis.
  const unanalysed: Candidate[] = [];
  for (const row of candidates) {
    unanalysed.push({ ...row, value: rowValue(row.program, await row.again(engine, undefined), pair) });
  }
  const nominal = least(unanalysed);
  if (!nominal?.value) return { rows };
  const inflation = best?.value && toNumber(over(best.value, nominal.value));
  const original = rows.find((r) => r.again === nominal.again)!;
  if (inflation && inflation <= 1 + limit) {
    return { rows: rows.map((r) => (r === original ? measured(r, inflation) : r)) };
  }

  const why = inflation
    ? `rounding in float32 would have added ${percent(inflation)}`
    : 'in float32 rounding lets no bound stand';
  if (programCost(nominal.program) > AFFORDABLE) return { rows, note: `${why}; ${tooLong}` };
  const cpu = await createEngine({ engine: 'cpu' });
  try {
    const exact = rounding.on(cpu.information);
    const outcome = await nominal.again(cpu, exact);
    const value = rowValue(nominal.program, outcome, pair);
    const { error: _, ...rest } = original;
    const row: Row = { ...rest, value, outcome };
    return {
      rows: rows.map((r) => (r === original ? row : r)),
      note: `The last pass was repeated in float64 (${cpu.information.name}): ${why}.`,
    };
  } finally {
    await cpu.close();
  }
}

function percent(factor: number): string {
  return `${(100 * (factor - 1)).toPrecision(2)} %`;
}

/** A row with its inflation as it was measured, where it had been estimated. */
function measured(row: Row, factor: number): Row {
  const { outcome } = row;
  if (!outcome?.inflation) return row;
  return { ...row, outcome: { ...outcome, inflation: { ...outcome.inflation, factor } } };
}
