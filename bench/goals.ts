/** What the WebGPU engine is meant to reach on a data-centre GPU, against what was measured. */
import type { BoundMeasurement } from './bounds.ts';
import type { OperationResult } from './operations.ts';
import type { Peak } from './peak.ts';

export const GOAL_TASKS = {
  largeProduct: 'product, 4096, real',
  batchedProduct: 'product, 16384 × 64, complex',
  network: 'VGG-16 at 224×224, GC(1.5)',
} as const;

export interface Goal {
  readonly goal: string;
  /** As a number of the goal's unit; null where it was not measured in this run. */
  readonly measured: number | null;
  readonly wanted: number;
  readonly reached: boolean | null;
}

export function goals(
  operations: readonly OperationResult[],
  bounds: readonly BoundMeasurement[],
  peak: Peak | undefined,
): Goal[] {
  const speed = (task: string, engine: string) => {
    const result = operations.find((r) => r.task === task && r.engine === engine);
    return result?.deviceFlopsPerSecond ?? result?.flopsPerSecond;
  };
  const seconds = (engine: string) =>
    bounds.find((r) => r.task === GOAL_TASKS.network && r.engine === engine)?.spread.median.seconds;
  const ratio = (a: number | undefined, b: number | undefined) => (a && b ? a / b : null);
  const [own, blas] = [seconds('webgpu'), seconds('cpu-blas')];
  return [
    atLeast(
      `${GOAL_TASKS.largeProduct}: share of PyTorch's speed in float32`,
      ratio(speed(GOAL_TASKS.largeProduct, 'webgpu'), speed(GOAL_TASKS.largeProduct, 'torch')),
      0.4,
    ),
    atLeast(
      `${GOAL_TASKS.batchedProduct}: share of the peak`,
      ratio(speed(GOAL_TASKS.batchedProduct, 'webgpu'), peak?.flops),
      0.25,
    ),
    atMost(`${GOAL_TASKS.network}: seconds`, own ?? null, 10),
    atLeast(`${GOAL_TASKS.network}: times the speed of cpu-blas`, ratio(blas, own), 8),
  ];
}

function atLeast(goal: string, measured: number | null, wanted: number): Goal {
  return {
    goal: `${goal}, at least`,
    measured,
    wanted,
    reached: measured === null ? null : measured >= wanted,
  };
}

function atMost(goal: string, measured: number | null, wanted: number): Goal {
  return {
    goal: `${goal}, at most`,
    measured,
    wanted,
    reached: measured === null ? null : measured <= wanted,
  };
}
