/**
 * Speed and memory of whole closed-form bounds. GFLOP/s divide the estimated operations of the method (products counted in full,
 * norms that skip connections ask for not at all) by the median time.
 */
import { bound } from '../src/bounds/bound.ts';
import { runCount } from '../src/bounds/paths/runCount.ts';
import { programCost } from '../src/ellipsoid/memory/cost.ts';
import { RULE_NAMES, type RuleName } from '../src/ellipsoid/multipliers/closedForms.ts';
import type { Engine } from '../src/engine/engine.ts';
import type { Network } from '../src/network/network.ts';
import { simplify } from '../src/network/simplify/simplify.ts';
import { compile } from '../src/program/compile.ts';
import { type Effort, measure, type Spread } from './measure.ts';
import {
  alexNet,
  eclipse,
  glipsdpCnn,
  resNet18,
  resNet50,
  vgg16,
  vgg16Convolutions,
  wideResNet28x10,
} from './networks.ts';

export interface BoundTask {
  readonly name: string;
  /** Weights take up to a gigabyte: made when their turn comes, and kept by nobody. */
  readonly network: () => Network;
  /** One rule; all where absent. */
  readonly rule?: RuleName;
  /** Memory budget in bytes. */
  readonly memory?: number;
}

export interface BoundMeasurement {
  readonly task: string;
  readonly engine: string;
  /** The bound, as its decimal logarithm: the engines must agree. */
  readonly log10: number | null;
  readonly spread: Spread;
  readonly flops: number;
  /** Most bytes in matrices and vectors at one time. */
  readonly peakBytes: number;
  /** Of the process, afterwards; null where the host does not tell. */
  readonly residentBytes: number | null;
}

/** Estimated floating-point operations of a task. */
export function operationsOf(task: BoundTask, network: Network): number {
  return runCount(rulesOf(task)) * programCost(compile(simplify(network)));
}

export async function measureBound(
  engine: Engine,
  task: BoundTask,
  network: Network,
  flops: number,
  effort: Effort,
): Promise<BoundMeasurement> {
  let log10: number | null = null;
  const spread = await measure(async () => {
    const result = await bound(network, {
      engine,
      method: 'closed-form',
      ...(task.rule && { rule: task.rule }),
      ...(task.memory && { memory: task.memory }),
    });
    log10 = result.log10;
  }, effort);
  return {
    task: task.name,
    engine: engine.information.name,
    log10,
    spread,
    flops,
    peakBytes: engine.peakBytes,
    residentBytes: typeof process === 'undefined' ? null : process.memoryUsage().rss,
  };
}

function rulesOf({ rule }: BoundTask): readonly RuleName[] {
  return rule ? [rule] : RULE_NAMES;
}

const GIB = 2 ** 30;

/** Tasks of a run that is to end within two minutes anywhere. */
export const QUICK_BOUNDS: readonly string[] = ['cnn_C3_CH4, GC(1.5)'];

export const boundTasks: readonly BoundTask[] = [
  { name: 'ECLipsE, 10 matrices of width 32, all rules', network: () => eclipse(10, 32) },
  { name: 'cnn_C3_CH4, GC(1.5)', network: () => glipsdpCnn(3, 4), rule: 'GC(1.5)' },
  { name: 'ECLipsE, 50 matrices of width 200, SN(1)', network: () => eclipse(50, 200), rule: 'SN(1)' },
  { name: 'ECLipsE, 50 matrices of width 1000, SN(1)', network: () => eclipse(50, 1000), rule: 'SN(1)' },
  { name: 'cnn_C17_CH8, all rules', network: () => glipsdpCnn(17, 8) },
  { name: 'cnn_C9_CH32, all rules', network: () => glipsdpCnn(9, 32) },
  {
    name: 'VGG-16 at 64×64, an eighth of the channels, GC(1.5)',
    network: () => vgg16({ side: 64, divisor: 8 }),
    rule: 'GC(1.5)',
  },
  {
    name: 'VGG-16 convolutions at 32×32, SN(1)',
    network: () => vgg16Convolutions(32, true),
    rule: 'SN(1)',
    memory: 2 * GIB,
  },
  ...(
    [
      ['AlexNet at 224×224', alexNet],
      ['VGG-16 at 224×224', vgg16],
      ['ResNet-18 at 224×224', resNet18],
      ['ResNet-50 at 224×224', resNet50],
      ['WideResNet-28-10 at 32×32', wideResNet28x10],
    ] as const
  ).map(
    ([name, make]): BoundTask => ({
      name: `${name}, GC(1.5)`,
      network: () => make(),
      rule: 'GC(1.5)',
      memory: 4 * GIB,
    }),
  ),
];
