/** What bounding a network would take, without doing it. */

import { programBytes, programCost } from '../ellipsoid/memory/cost.ts';
import { RULE_NAMES } from '../ellipsoid/multipliers/closedForms.ts';
import { type Unsupported, UnsupportedError } from '../errors.ts';
import type { Network, Source } from '../network/network.ts';
import type { Numbers } from '../network/numbers.ts';
import type { Operator } from '../network/operator.ts';
import { countParameters } from '../network/parameters.ts';
import { simplify } from '../network/simplify/simplify.ts';
import { compile } from '../program/compile.ts';
import type { Program } from '../program/program.ts';
import { roomIn } from './budget.ts';
import { hasExactForm } from './exact/scope.ts';
import type { Path } from './paths/path.ts';
import { pathPlan } from './paths/plan.ts';
import { runCount } from './paths/runCount.ts';
import { allowanceBeside } from './proportion.ts';
import { queryOf } from './query.ts';
import { layerReports } from './report/layers.ts';
import { type LayerReport, METHODS, type MethodName } from './result.ts';
import { searchObjection } from './runs/search.ts';
import { NO_SEARCH } from './runs/searchRows.ts';

export interface InspectedLayer extends LayerReport {
  /** Numbers stored in the layer, after simplification. */
  readonly parameters: number;
}

export interface Inspection {
  readonly name: string;
  readonly source?: Source;
  /** Numbers stored in the file's layers. */
  readonly parameters: number;
  /** Of the simplified network. */
  readonly layers: readonly InspectedLayer[];
  /** Bytes of the largest covariance at all frequencies; 0 where the network is refused. */
  readonly bytes: number;
  /** Floating-point operations of all closed-form rules; 0 where the network is refused. */
  readonly flops: number;
  /** Nodes that the methods on a torus refuse. */
  readonly refused: readonly Unsupported[];
  /** The methods that `bound` would run on a CPU, and those that it would refuse. */
  readonly methods: readonly InspectedMethod[];
  /** What `bound` refuses the network with; absent where some method covers it. */
  readonly refusal?: UnsupportedError;
}

export interface InspectedMethod {
  readonly method: Exclude<MethodName, 'all'>;
  /** Absent where it gives a bound. */
  readonly reason?: string;
}

export function inspect(network: Network): Inspection {
  const simple = simplify(network);
  let program: Program | undefined;
  let refused: readonly Unsupported[] = [];
  try {
    program = compile(simple);
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    refused = error.items;
  }
  return {
    name: network.name,
    ...(network.source ? { source: network.source } : {}),
    parameters: countParameters(network),
    layers: layerReports(simple, program, undefined).map((layer, k) => ({
      ...layer,
      parameters: countParameters({ ...simple, nodes: [simple.nodes[k]!] }),
    })),
    bytes: program ? programBytes(program) : 0,
    flops: program ? runCount(RULE_NAMES) * programCost(program) : 0,
    refused,
    ...inspectedMethods(network, simple),
  };
}

/** Engines of the CPU compute in float64, in the memory that everybody has. */
const CPU = {
  information: { kind: 'cpu', name: 'cpu', description: 'CPU', unitRoundoff: 2 ** -53, threads: 1 },
} as const;

/** What `bound` would plan to run. */
function inspectedMethods(original: Network, network: Network): Pick<Inspection, 'methods' | 'refusal'> {
  const query = queryOf(original, {});
  const allowance = allowanceBeside(original, query.method, {});
  const room = roomIn(undefined, allowance.memory, CPU, original, network);
  try {
    const task = { query, original, network, allowance, room, engine: CPU };
    const { paths, refusals } = pathPlan(task);
    const refused = new Map(refusals.map(({ method, error }) => [method, error]));
    const torus = paths.find(({ kind }) => kind === 'torus');
    const unsearched =
      torus && (isStill(network) ? NO_SEARCH['no slope'] : searchObjection(task, torus.program));
    if (unsearched !== undefined && !refused.has('refined')) refused.set('refined', unsearched);
    const runs = new Set(paths.flatMap(({ kind }) => METHODS_OF[kind]));
    const methods = METHODS.flatMap((method) =>
      method !== 'all' && (runs.has(method) || refused.has(method)) ? [method] : [],
    );
    if (hasExactForm(original)) methods.push('exact');
    return {
      methods: methods.map((method) => {
        const reason = refused.get(method);
        return { method, ...(reason !== undefined && { reason }) };
      }),
    };
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    return { methods: [], refusal: error };
  }
}

/** Whether zeros stand on every way to the output and linear operators alone behind them: then what a search makes small is 0. */
function isStill({ input, output, nodes }: Network): boolean {
  const moving = new Set([input]);
  const isZero = (values: Numbers) => values.every((value: number) => value === 0);
  for (const { operator, inputs, output: result } of nodes) {
    const stops =
      ('weight' in operator && isZero(operator.weight)) ||
      (operator.kind === 'scale' && isZero(operator.scale));
    // Multipliers keep slopes above 0 by a little.
    const moves = NONLINEAR.has(operator.kind) || inputs.some((source) => moving.has(source));
    if (moves && !stops) moving.add(result);
  }
  return !moving.has(output);
}

const NONLINEAR: ReadonlySet<Operator['kind']> = new Set([
  ...(['nonlinearity', 'max-pool', 'max-gather', 'global-max-pool', 'grouped', 'softmax'] as const),
]);

/** What runs on a path. */
const METHODS_OF: Readonly<Record<Path['kind'], readonly MethodName[]>> = {
  torus: ['spectral-product', 'closed-form', 'refined'],
  unrolled: ['unrolled'],
  'any length': [],
};
