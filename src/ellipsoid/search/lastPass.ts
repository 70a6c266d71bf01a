/** The pass that counts: all frequencies, rounding bounded, multipliers scaled up where they do not dominate. */
import type { Engine } from '../../engine/engine.ts';
import type { Program, Step } from '../../program/program.ts';
import { type Outcome, type SweepOptions, sweep } from '../sweep/sweep.ts';

/** Factors by which multipliers that do not dominate at some frequency are scaled up, one after the other. */
const REPAIRS = [1, 1 + 1e-6, 1 + 1e-4, 1.01, 1.03, 1.1, 1.3, 2];

/** The bound that multipliers give, scaled up by as little as makes them dominate at every frequency. */
export async function lastPass(
  engine: Engine,
  program: Program,
  theta: ReadonlyMap<Step, Float64Array>,
  options: Pick<SweepOptions, 'memory' | 'rounding' | 'signal'>,
) {
  let last: { outcome: Outcome; theta: Map<Step, Float64Array> } | undefined;
  for (const factor of REPAIRS) {
    const raised = new Map([...theta].map(([step, t]) => [step, raise(step, t, Math.log(factor))] as const));
    const [outcome] = await sweep(engine, program, {
      runs: [{ name: 'refined', theta: raised }],
      memory: options.memory,
      skips: new Map(),
      rounding: options.rounding,
      signal: options.signal,
    });
    last = { outcome: outcome!, theta: raised };
    if (!Number.isNaN(outcome!.squared.mantissa)) break;
  }
  return last!;
}

/** At a pooling D is on the boundary whatever θ is. */
function raise(step: Step, theta: Float64Array, by: number): Float64Array {
  return step.kind === 'nonlinearity' ? theta.map((t) => t + by) : theta;
}
