/** The library's frequency path, opened up: the program may be altered before it runs, the multipliers are read after. */

import type { RuleName } from '../../src/ellipsoid/multipliers/closedForms.ts';
import { skipsOf } from '../../src/ellipsoid/multipliers/skips.ts';
import { normsOf } from '../../src/ellipsoid/norms/norms.ts';
import type { Rounding } from '../../src/ellipsoid/rounding/rounding.ts';
import { type Outcome, sweep } from '../../src/ellipsoid/sweep/sweep.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { Network } from '../../src/network/network.ts';
import { compile } from '../../src/program/compile.ts';
import type { Live, Program } from '../../src/program/program.ts';
import { denseOracle, type OracleChoices, type OracleResult } from './denseOracle.ts';
import { offsetOf, positions, volume } from './grid.ts';

export interface FrequencyPath {
  readonly program: Program;
  readonly rule: RuleName;
  /** L²; NaN where a multiplier did not dominate. */
  readonly squared: number;
  /** The least multiplier of all: dead branches get ever smaller ones, down to what float64 does not hold. */
  readonly leastMultiplier: number;
  readonly choices: OracleChoices;
  readonly outcome: Outcome;
}

const MEMORY = 2 ** 28;

/** Runs a simplified network's program with one closed-form rule. */
export async function frequencyPath(
  engine: Engine,
  network: Network,
  rule: RuleName,
  program: Program = compile(network),
  rounding?: Rounding,
): Promise<FrequencyPath> {
  const norms = await normsOf(engine, program, { memory: MEMORY });
  const [outcome] = await sweep(engine, program, {
    runs: [{ name: rule }],
    memory: MEMORY,
    skips: skipsOf(program, norms),
    rounding,
  });
  const { mantissa, exponent } = outcome!.squared;
  const least = outcome!.layers.map((layer) => Math.min(...layer.values) * 2 ** layer.exponent);
  return {
    program,
    rule,
    squared: mantissa * 2 ** exponent,
    leastMultiplier: Math.min(...least),
    choices: choicesOf(program, outcome!),
    outcome: outcome!,
  };
}

/** Σ_out of the dense oracle with the multipliers and slopes of a run of the frequency path. */
export function oracleFor(network: Network, path: FrequencyPath): OracleResult {
  return denseOracle(network, path.choices);
}

function choicesOf(program: Program, outcome: Outcome): OracleChoices {
  const multipliers = new Map<string, Float64Array>();
  const sectors = new Map<string, { lower: Float64Array; upper: Float64Array }>();
  const gains = new Map<string, Float64Array>();
  const steps = program.segments.flatMap((segment) => segment.steps);
  for (const step of steps) {
    if (step.kind !== 'nonlinearity' && step.kind !== 'maximum') continue;
    const { name } = step.target.variable;
    const layer = outcome.layers.find((l) => l.variable === step.target.variable)!;
    const perRow = layer.values.map((d) => d * 2 ** layer.exponent);
    multipliers.set(name, perEntry(perRow, step.source));
    if (step.kind === 'maximum') gains.set(name, perEntry(step.gain, step.source));
    else {
      sectors.set(name, {
        lower: perEntry(step.lower, step.source),
        upper: perEntry(step.upper, step.source),
      });
    }
  }
  return {
    multiplier: (name) => multipliers.get(name),
    sector: (name) => found(sectors, name),
    gain: (name) => found(gains, name),
  };
}

function found<T>(map: ReadonlyMap<string, T>, name: string): T {
  const value = map.get(name);
  if (value === undefined) throw new Error(`${name}: is not in the program`);
  return value;
}

/** Rows of a lifted variable run phase by phase, each over all channels; entries of a tensor channel by channel. */
function perEntry(perRow: Float64Array, { variable, lift }: Live): Float64Array {
  const { channels, window } = variable;
  if (lift.length === 0) return perRow;
  const samples = volume(window);
  const entries = new Float64Array(channels * samples);
  positions(window).forEach((at, u) => {
    const phase = offsetOf(
      at.map((x, axis) => x % lift[axis]!),
      lift,
    );
    for (let c = 0; c < channels; c++) entries[c * samples + u] = perRow[phase * channels + c]!;
  });
  return entries;
}
