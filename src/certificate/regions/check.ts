/**
 * The checker of regions: margins of a label within a ball around an input, from multipliers that anybody may have found. It trusts the reading
 * of the network (src/network) and IEEE arithmetic, and shares nothing with the optimiser and the engines. The proof is in
 * docs/certificate.md, "Regions".
 */
import type { Network } from '../../network/network.ts';
import { product } from '../../network/size.ts';
import { U, up } from '../checker/numbers.ts';
import { demand } from '../checker/refusal.ts';
import { type Graph, graphOf, type Linear, type Stage } from './graph.ts';
import { levelOf, limitedRange, type Slack, slackOf } from './limits.ts';
import {
  anchoredSectors,
  gathered,
  type Layer,
  type MovedLayer,
  movedSectors,
  type Report,
  reported,
  type Values,
} from './sectors.ts';
import { type Sectors, type State, throughLinear, throughStage } from './state.ts';

export interface Region {
  /** Flat, in the order of the network's input. */
  readonly centre: Float64Array;
  readonly label: number;
  /** Of ‖x − centre‖₂ */
  readonly radius: number;
  /** The network reads scale · x; one number or one a channel. Null: x. */
  readonly scale: Float64Array | null;
  /** Limits that x keeps, entry by entry. */
  readonly limits: { readonly low: Float64Array; readonly high: Float64Array } | null;
}

/** One pass with the anchored multipliers gives the ranges and proves what it proves; each centre another pass. */
export interface RegionMultipliers {
  readonly layers: readonly Layer[];
  readonly centres: readonly {
    /** Of the limits' weights, entry by entry of the input; null: none. */
    readonly offset: Values | null;
    readonly layers: readonly MovedLayer[];
  }[];
}

/** Passes at most: one for each other output, as far as it goes. */
const MOST_CENTRES = 4096;
/** Entries that live at once. */
const MOST_ROWS = 8192;

/**
 * What is proven of f_label − f_j from below, for every other output j.
 * @param pause awaited between steps; what it throws passes through
 * @throws Refusal with the reason where nothing is proven
 */
export async function checkRegion(
  network: Network,
  { centre, label, radius, scale, limits }: Region,
  { layers, centres }: RegionMultipliers,
  pause: () => Promise<void>,
): Promise<Float64Array> {
  const { shape } = network.tensors[network.input]!;
  const outputs = product(network.tensors[network.output]!.shape);
  demand(outputs > 1, 'output: needs two numbers at least, for one to be the largest');
  const entries = product(shape);
  const matches = (values: Float64Array) => values.length === entries && values.every(Number.isFinite);
  demand(matches(centre), `input: must be ${entries} finite numbers`);
  demand(
    Number.isInteger(label) && label >= 0 && label < outputs,
    `label: must be an output, of ${outputs}, got ${label}`,
  );
  demand(radius > 2 ** -100 && radius < 2 ** 100, `radius: must be within 1e±30, got ${radius}`);
  const scales =
    !scale ||
    ((scale.length === 1 || scale.length === shape[0]) && scale.every((x) => x > 0 && x < 2 ** 100));
  demand(scales, `scale: must be one positive number, or one for each of ${shape[0]} channels`);
  const within = (x: number, i: number) => x >= limits!.low[i]! && x <= limits!.high[i]!;
  const kept = !limits || (matches(limits.low) && matches(limits.high) && centre.every(within));
  demand(kept, `limits: must be ${entries} each way, and the input between them`);
  demand(centres.length <= MOST_CENTRES, `centres: at most ${MOST_CENTRES}, got ${centres.length}`);

  const graph = graphOf(network, scale);
  const slack = limits ? slackOf(centre, radius, limits.low, limits.high) : undefined;
  const margins = new Float64Array(outputs).fill(-Infinity);
  margins[label] = Infinity;
  const improve = (state: State) => {
    for (let j = 0; j < outputs; j++) {
      const margin = j === label ? -Infinity : -largestDifference(state, j, label);
      // NaN is no margin.
      if (margin > margins[j]!) margins[j] = margin;
    }
  };
  const start = (offset: Float64Array): State => ({
    slots: [{ tensor: graph.input, start: 0, size: entries }],
    anchor: centre,
    offset,
    covariance: undefined,
    level: levelOf(radius, offset, slack),
  });

  const reports: Report[] = [];
  const turns = inTurn(layers);
  const anchored = (state: State, stage: Stage): Sectors => {
    const first = slack && reports.length === 0;
    const report = reported(
      state,
      stage,
      first ? firstRanges(graph, stage, centre, radius, slack) : undefined,
    );
    reports.push(report);
    const own = turns.next(stage.parts.length);
    return anchoredSectors(
      report,
      gathered(stage.parts, own, (layer) => layer.multipliers, 'positive'),
    );
  };
  improve(await passed(graph, start(new Float64Array(entries)), anchored, pause));
  turns.end();

  for (const moved of centres) {
    const offset = moved.offset?.values() ?? new Float64Array(entries);
    demand(matches(offset) && (slack !== undefined || !moved.offset), 'offset: must go with limits');
    let stages = 0;
    const movedTurns = inTurn(moved.layers);
    const sectors = (state: State, stage: Stage): Sectors => {
      const own = movedTurns.next(stage.parts.length);
      const values = (of: (layer: MovedLayer) => Values, sign: 'positive' | 'any') =>
        gathered(stage.parts, own, of, sign);
      return movedSectors(state, stage, reports[stages++]!, {
        d: values((layer) => layer.multipliers, 'positive'),
        q: values((layer) => layer.spread, 'positive'),
        m: values((layer) => layer.middle, 'any'),
      });
    };
    improve(await passed(graph, start(offset), sectors, pause));
    movedTurns.end();
  }
  return margins;
}

/** Layers, as many at a time as are asked for; all of them by the end. */
function inTurn<L>(layers: readonly L[]) {
  let used = 0;
  return {
    next: (count: number) => {
      used += count;
      return layers.slice(used - count, used);
    },
    end: () => demand(used === layers.length, `layers: must be ${used}, got ${layers.length}`),
  };
}

/** The state at the output. */
async function passed(
  { steps, output, sizes }: Graph,
  start: State,
  sectors: (state: State, stage: Stage) => Sectors,
  pause: () => Promise<void>,
): Promise<State> {
  /** The last step that reads a tensor. */
  const last = new Map<number, number>();
  for (const [k, step] of steps.entries())
    for (const { source } of step.kind === 'linear' ? step.terms : step.parts) last.set(source, k);
  let state = start;
  for (const [k, step] of steps.entries()) {
    await pause();
    const keeps = (tensor: number) => tensor === output || (last.get(tensor) ?? -1) > k;
    const own = step.kind === 'linear' ? [step.output] : step.parts.map((part) => part.output);
    const rows = [...state.slots.filter(({ tensor }) => keeps(tensor)).map(({ tensor }) => tensor), ...own];
    const size = rows.reduce((sum, tensor) => sum + sizes[tensor]!, 0);
    demand(size <= MOST_ROWS, `more than ${MOST_ROWS} entries live at once`);
    state =
      step.kind === 'linear'
        ? throughLinear(state, step, keeps)
        : throughStage(state, step, sectors(state, step), keeps);
  }
  return state;
}

/** Of all arguments of the first stage. */
function firstRanges(
  { input, steps }: Graph,
  { parts }: Stage,
  centre: Float64Array,
  radius: number,
  slack: Slack,
) {
  const before = steps.slice(
    0,
    steps.findIndex(({ kind }) => kind === 'stage'),
  );
  const linear = before.filter((step): step is Linear => step.kind === 'linear');
  const ranges = parts.map(({ source }) => limitedRange(linear, input, source, centre, radius, slack));
  const all = (side: 'low' | 'high') => Float64Array.from(ranges.flatMap((range) => [...range[side]]));
  return { low: all('low'), high: all('high') };
}

/** f_j − f_i from above, at the output's state. */
function largestDifference({ anchor, offset, covariance, level }: State, j: number, i: number): number {
  const at = (r: number, c: number) =>
    covariance ? covariance.data[r * covariance.rows + c]! : r === c ? 1 : 0;
  const [sj, si, sij] = [at(j, j), at(i, i), at(j, i)];
  const spread = Math.max(0, sj + si - 2 * sij) + 8 * U * (sj + si + 2 * Math.abs(sij));
  const reach = up(up(Math.sqrt(level) * Math.sqrt(spread)));
  const terms = [anchor[j]!, -anchor[i]!, offset[j]!, -offset[i]!, reach];
  const size = terms.reduce((sum, x) => sum + Math.abs(x), 0);
  return terms.reduce((sum, x) => sum + x, 0) + 16 * U * size + 2 ** -900;
}
