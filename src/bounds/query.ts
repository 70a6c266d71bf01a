/** What a caller asks for, checked and with nothing left open. */
import { RULE_NAMES, type RuleName } from '../ellipsoid/multipliers/closedForms.ts';
import type { Network } from '../network/network.ts';
import type { NormPair } from '../network/norms/norm.ts';
import { DEFAULTS } from './defaults.ts';
import { checkedMethod, checkedNorms, checkMultipliers, checkTarget, checkWarm } from './options.ts';
import type { BoundOptions, MethodName, StoredMultipliers } from './result.ts';

export interface Query {
  readonly method: MethodName;
  /** The one closed form that is asked for, if one is. */
  readonly rule: RuleName | undefined;
  /** The closed forms to run. */
  readonly rules: readonly RuleName[];
  readonly target: NonNullable<BoundOptions['target']>;
  /** What the bound is in. */
  readonly norms: NormPair;
  /** The two outputs whose difference is bounded; undefined: the whole output is. */
  readonly pair: readonly [i: number, j: number] | undefined;
  /** Whether numbers for single entries of the input are asked for. */
  readonly sensitivities: boolean;
  /** Whether multipliers are searched for: it makes no sense where one closed form is asked for. */
  readonly searches: boolean;
  readonly evaluations: number;
  readonly tolerance: number;
  /** Of the method `exact`, relative; undefined: nobody has asked for one. */
  readonly gap: number | undefined;
  readonly beginning: BoundOptions['beginning'];
  /** When the call is to end, on `performance.now()`. */
  readonly end: number;
  /** Where the search on their path starts. */
  readonly multipliers: StoredMultipliers | undefined;
  /** Where searches start otherwise, if these fit. */
  readonly warm: readonly StoredMultipliers[];
  readonly onFound: BoundOptions['onFound'];
  /** Whether bounds are for signals of any length, and of which at least; undefined there: of every length, as far as that goes. */
  readonly length: 'any' | undefined;
  readonly smallestLength: number | undefined;
  /** Undefined: by the number of axes. */
  readonly cellTolerance: number | undefined;
  readonly inflationLimit: number;
  readonly rigor: boolean;
  readonly lower: boolean;
  readonly seed: number;
}

/** @throws InputError for options that make no sense, by themselves or for this network */
export function queryOf(network: Network, options: BoundOptions): Query {
  const method = checkedMethod(options);
  checkTarget(network, options.target);
  const norms = checkedNorms(options, method);
  checkMultipliers(network, options.multipliers);
  checkWarm(options.warm);
  const { rule, multipliers, warm = [], length, smallestLength, cellTolerance } = options;
  const target = options.target ?? DEFAULTS.target;
  return {
    ...{ method, rule, target, norms, multipliers, warm, length, smallestLength, cellTolerance },
    rules: rule ? [rule] : RULE_NAMES,
    pair: typeof target === 'object' ? target : undefined,
    sensitivities: options.sensitivities ?? false,
    searches: !rule && (method === 'all' || method === 'refined' || method === 'unrolled'),
    evaluations: options.evaluations ?? DEFAULTS.evaluations,
    tolerance: options.tolerance ?? DEFAULTS.tolerance,
    gap: options.gap,
    beginning: options.beginning,
    end: (options.since ?? performance.now()) + 1000 * (options.timeLimit ?? DEFAULTS.timeLimit),
    inflationLimit: options.inflationLimit ?? DEFAULTS.inflationLimit,
    rigor: options.rigor ?? DEFAULTS.rigor,
    lower: options.lower ?? DEFAULTS.lower,
    seed: options.seed ?? DEFAULTS.seed,
    onFound: options.onFound,
  };
}

/** Whether rows of a method are asked for. */
export function wants(query: Query, method: Exclude<MethodName, 'all'>): boolean {
  return query.method === 'all' || query.method === method;
}

/** Whether passes with multipliers are wanted. */
export function wantsPasses({ method }: Query): boolean {
  return method !== 'spectral-product' && method !== 'moduli-product' && method !== 'exact';
}
