/** The answer: what the rows of one call come to. */
import { keepsOutputOrder } from '../../network/outputOrder.ts';
import type { Program } from '../../program/program.ts';
import { log10, type Scaled } from '../../scaled.ts';
import type { BoundResult, LowerBound, TracePoint } from '../result.ts';
import { hasEntries, type MarginTable, marginBounds } from '../runs/margins.ts';
import type { PairFindings } from '../runs/pairs.ts';
import { least, type Row } from '../runs/rows.ts';
import { sensitivitiesOf } from '../runs/sensitivities.ts';
import type { BoundTask } from '../task.ts';
import { layerReports } from './layers.ts';
import { inflationReport, methodResult, numbers } from './numbers.ts';
import { type BoundProof, proofOf } from './proof.ts';

/** What one call has found. */
export interface Findings {
  readonly rows: readonly Row[];
  readonly leftOut: BoundResult['leftOut'];
  readonly trace: readonly TracePoint[];
  /** As it was sampled. */
  readonly lower: LowerBound | undefined;
  /** Of single pairs of outputs, where they were asked for. */
  readonly pairs: PairFindings | undefined;
  /** Sentences. */
  readonly notes: readonly string[];
}

export function reportOf(
  task: BoundTask,
  { rows, leftOut, trace, lower, pairs, notes }: Findings,
): BoundResult {
  const { query, engine, network, rounding, start } = task;
  const best = least(rows);
  const { exact, exactTree } = rows.find((row) => row.exact) ?? {};
  const bestSearch = (own: readonly Row[]) =>
    least(
      own.filter((row) => row.multipliers),
      (row) => row.objective ?? row.value,
    );
  const searched = bestSearch(rows);
  const searches = (['torus', 'unrolled'] as const).flatMap(
    (path) => bestSearch(rows.filter(({ multipliers }) => multipliers?.path === path))?.multipliers ?? [],
  );
  // Products of moduli have no program.
  const passed = best?.program ? best : least(rows.filter((row) => row.program));
  const margins = best?.value && passed?.program && marginsOf(task, rows, pairs, passed.program, best.value);
  const sensitivities = query.sensitivities && best?.value ? sensitivitiesOf(rows, best.value) : undefined;
  const contradicted = best?.value && lower && contradicts(task, lower, best.value);
  const sampled = contradicted ? undefined : lower;
  const said = [
    ...notes,
    ...(contradicted ? [CONTRADICTED] : []),
    ...(query.sensitivities && best && !sensitivities ? [NO_SENSITIVITIES] : []),
  ];
  const proven = query.pair ? undefined : least(rows.filter((row) => row.outcome !== undefined));
  return {
    ...numbers(best?.value),
    norms: query.norms,
    ...(best?.program?.loose && { loose: best.program.loose }),
    ...(best ? { method: best.method } : {}),
    ...(best?.rule ? { rule: best.rule } : {}),
    ...(query.pair ? { target: query.pair } : {}),
    ...(sampled ? { lower: sampled } : {}),
    assurance: rounding ? 'rounding-safe' : 'nominal',
    ...(said.length === 0 ? {} : { note: said.join(' ') }),
    ...(leftOut ? { leftOut } : {}),
    ...(exact && { exact }),
    ...(exactTree && { exactTree }),
    ...(best?.length ? { length: best.length } : {}),
    ...(best?.outcome?.inflation ? { inflation: inflationReport(best.outcome.inflation) } : {}),
    seconds: (performance.now() - start) / 1000,
    methods: rows.map(methodResult),
    ...(trace.length > 0 ? { trace } : {}),
    ...(searched ? { multipliers: searched.multipliers!, searched: searches } : {}),
    ...(proven ? { proof: proofOf(proven.program!, proven.outcome!, proven.unrolledFrom ?? null) } : {}),
    ...(margins ? { margins: margins.bounds } : {}),
    ...(sensitivities && { sensitivities }),
    ...(margins && pairs ? { pairs: pairs.report } : {}),
    ...(margins && query.target === 'margins' ? { marginProofs: marginProofs(rows, pairs, margins) } : {}),
    layers: layerReports(
      network,
      best?.program,
      best?.rule ?? (best?.method === 'refined' ? 'refined' : undefined),
    ),
    engine: engine.information,
  };
}

/** In units of log10: what logarithms of one number may differ by. */
const EQUAL = 1e-12;

const CONTRADICTED =
  'No lower bound: what was sampled lies above the bound, and nothing is known of the rounding in it (terms that cancel in the network do that).';

const NO_SENSITIVITIES =
  'No sensitivities: no method that ran tells entries of the input apart; networks of linear maps and elementwise functions have them where they fit as dense matrices (--method unrolled).';

/**
 * Whether a sampled lower bound lies above a bound whose rounding is accounted for, which a nominal one may.
 * @throws Error where neither may be wrong: the device does not keep to its arithmetic, or there is a mistake in here
 */
function contradicts({ rounding, engine }: BoundTask, lower: LowerBound, bound: Scaled): boolean {
  if (!rounding || !((lower.log10 ?? -Infinity) > log10(bound) + EQUAL)) return false;
  if (lower.assurance === 'nominal') return true;
  throw new Error(
    `bound: the bound 10^${log10(bound)} must not lie below the sampled 10^${lower.log10}; please report this with the network, the engine (${engine.information.description}) and its driver`,
  );
}

/** The table of margins, where entries of the output can be told apart. */
function marginsOf(
  { query, original }: BoundTask,
  rows: readonly Row[],
  pairs: PairFindings | undefined,
  program: Program,
  bound: Scaled,
): MarginTable | undefined {
  const { output, factor, ofEntries = 1 } = program;
  if (query.pair || query.norms.output !== '2' || query.norms.input === '1') return undefined;
  if (!hasEntries(program) || factor !== ofEntries || !keepsOutputOrder(original)) return undefined;
  // Of other paths the covariance may be of other units: what lies on a torus has a factor from ℓ∞.
  const alike = (row: Row | undefined) => row?.program?.factor === factor;
  const outcomes = [
    ...rows.flatMap((row) => (alike(row) ? (row.outcome ?? []) : [])),
    ...(alike(pairs?.row) ? pairs!.outcomes : []),
  ];
  return marginBounds(output.channels, outcomes, bound, ofEntries);
}

/** What proves the bounds of a table. */
function marginProofs(
  rows: readonly Row[],
  pairs: PairFindings | undefined,
  { used }: MarginTable,
): BoundProof[] {
  const own = rows.flatMap((row) => (row.outcome ? [{ row, outcome: row.outcome }] : []));
  const all = [...own, ...(pairs?.outcomes.map((outcome) => ({ row: pairs.row, outcome })) ?? [])];
  return all
    .filter(({ outcome }) => used.has(outcome))
    .map(({ row, outcome }) => proofOf(row.program!, outcome, row.unrolledFrom ?? null));
}
