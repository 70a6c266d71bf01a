/** The main job: every method that fits, the least bound of all. */
import { createEngine } from '../engine/create.ts';
import type { Engine } from '../engine/engine.ts';
import { compile } from '../ellipsoid/compile.ts';
import { normCost, programCost, stepsOf } from '../ellipsoid/cost.ts';
import { RULE_NAMES, type RuleName } from '../ellipsoid/multipliers.ts';
import type { Norms } from '../ellipsoid/gains.ts';
import type { Program } from '../ellipsoid/program.ts';
import { hasSkips } from '../ellipsoid/skips.ts';
import type { Outcome } from '../ellipsoid/sweep.ts';
import { InputError, UnsupportedError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { simplify } from '../network/simplify.ts';
import { isLess, log10, type Scaled, scaled, squareRoot, times, toNumber } from '../scaled.ts';
import { closedForms, runsOf } from './closedForm.ts';
import { Ledger } from './ledger.ts';
import { layerReports } from './layers.ts';
import { marginBounds } from './margins.ts';
import { type BoundOptions, type BoundResult, METHODS, type MethodName, type MethodResult } from './result.ts';
import { spectralProduct } from './spectralProduct.ts';
import { chooseUnrolled } from './unrolled.ts';

const DEFAULT_MEMORY = 2 * 2 ** 30;

type Method = MethodResult['method'];

/** A row of the result before it is written as numbers. */
interface Row {
  readonly method: Method;
  readonly rule?: RuleName;
  readonly value?: Scaled;
  readonly seconds: number;
  readonly error?: string;
  readonly program?: Program;
  readonly outcome?: Outcome;
}

/**
 * Bounds the ℓ2 Lipschitz constant of a network: ‖f(x) − f(y)‖₂ ≤ bound · ‖x − y‖₂ for all inputs x, y.
 *
 * @throws UnsupportedError where no method covers the network: lists every node that stands in the way
 * @throws InputError for unknown options
 * @throws the signal's reason when it is aborted
 */
export async function bound(network: Network, options: BoundOptions = {}): Promise<BoundResult> {
  const method = checkedMethod(options);
  const start = performance.now();
  const engine = options.engine ?? (await createEngine());
  try {
    const rows = await new Computation(engine, simplify(network), options, method).rows();
    return resultOf(rows, engine, (performance.now() - start) / 1000);
  } finally {
    if (!options.engine) await engine.close();
  }
}

function checkedMethod({ method, rule, memory }: BoundOptions): MethodName {
  if (method !== undefined && !METHODS.includes(method)) {
    throw new InputError(`method: one of ${METHODS.join(', ')}, got ${String(method)}`);
  }
  if (rule !== undefined && !RULE_NAMES.includes(rule)) {
    throw new InputError(`rule: one of ${RULE_NAMES.join(', ')}, got ${String(rule)}`);
  }
  if (memory !== undefined && !(memory > 0)) throw new InputError(`memory: a positive number of bytes, got ${memory}`);
  if (rule !== undefined && method === 'spectral-product') {
    throw new InputError('rule: the method spectral-product has no rules');
  }
  if (rule !== undefined && method !== 'unrolled') return 'closed-form';
  return method ?? 'all';
}

class Computation {
  readonly #engine: Engine;
  readonly #network: Network;
  readonly #method: MethodName;
  readonly #rules: readonly RuleName[];
  readonly #memory: number;
  readonly #signal: AbortSignal | undefined;
  readonly #ledger: Ledger;

  constructor(engine: Engine, network: Network, options: BoundOptions, method: MethodName) {
    this.#engine = engine;
    this.#network = network;
    this.#method = method;
    this.#rules = options.rule ? [options.rule] : RULE_NAMES;
    this.#memory = options.memory ?? DEFAULT_MEMORY;
    this.#signal = options.signal;
    this.#ledger = new Ledger(options.onProgress);
  }

  async rows(): Promise<Row[]> {
    const rows: Row[] = [];
    const onTorus = this.#method !== 'unrolled' ? attempt(() => compile(this.#network)) : undefined;
    const dense = this.#dense(onTorus instanceof UnsupportedError);
    if (onTorus && !(onTorus instanceof UnsupportedError)) {
      const rules = this.#method === 'spectral-product' ? [] : this.#rules;
      rows.push(...(await this.#run(onTorus, 'closed-form', rules, this.#method !== 'closed-form')));
    } else if (onTorus) {
      for (const method of ['spectral-product', 'closed-form'] as const) {
        if (this.#method === 'all' || this.#method === method) {
          rows.push({ method, seconds: 0, error: onTorus.message });
        }
      }
    }
    if (dense instanceof UnsupportedError) {
      rows.push({ method: 'unrolled', seconds: 0, error: dense.message });
    } else if (dense) {
      rows.push(...(await this.#run(dense, 'unrolled', this.#rules, false)));
    }
    const refusal = [onTorus, dense].find((r) => r instanceof UnsupportedError);
    if (refusal && rows.every((r) => r.value === undefined)) throw refusal;
    return rows;
  }

  /** The program of the unrolled network, if it is asked for or in proportion. */
  #dense(needed: boolean): Program | UnsupportedError | undefined {
    const asked = this.#method === 'unrolled';
    if (!asked && this.#method !== 'all') return undefined;
    const choice = chooseUnrolled(this.#network, this.#memory, asked || needed);
    if (choice) return attempt(() => compile(choice.network));
    if (!asked) return undefined;
    return new UnsupportedError([
      {
        node: this.#network.name,
        found: 'the method unrolled',
        reason: this.#network.nodes.some((n) => n.operator.kind === 'convolution')
          ? 'no layer fits the memory budget as a dense matrix; raise it (--memory), or use closed-form'
          : 'the network has no convolution or pooling to unroll; closed-form is the same there',
      },
    ]);
  }

  #announce(program: Program, rules: readonly RuleName[], norms: boolean): void {
    this.#ledger.announce(runsOf(rules) * programCost(program));
    if (!norms) return;
    for (const { segment, k, step } of stepsOf(program)) {
      if (step.kind !== 'linear' && step.kind !== 'read') continue;
      for (const placed of step.terms) {
        if (placed.term.map.kind !== 'identity') this.#ledger.announce(normCost(segment, k, placed));
      }
    }
  }

  async #run(
    program: Program,
    method: 'closed-form' | 'unrolled',
    rules: readonly RuleName[],
    withProduct: boolean,
  ): Promise<Row[]> {
    const options = { memory: this.#memory, signal: this.#signal, ledger: this.#ledger };
    const rows: Row[] = [];
    const clock = stopwatch();
    const needsNorms = withProduct || hasSkips(program);
    this.#announce(program, rules, needsNorms);
    let norms: Norms | undefined;
    if (needsNorms) {
      const product = await spectralProduct(this.#engine, program, options);
      if (withProduct) rows.push({ method: 'spectral-product', value: product.bound, seconds: clock(), program });
      norms = product.norms;
    }
    if (rules.length === 0) return rows;
    const outcomes = await closedForms(this.#engine, program, norms, rules, { ...options, method });
    const seconds = clock();
    for (const outcome of outcomes) {
      const value = times(squareRoot(outcome.squared), scaled(program.factor));
      const failed = Number.isNaN(value.mantissa);
      rows.push({
        method,
        rule: outcome.rule,
        seconds,
        ...(failed ? { error: 'the multipliers do not dominate S in float64' } : { value, program, outcome }),
      });
    }
    return rows;
  }
}

/** The value, or the refusal as one. */
function attempt<T>(work: () => T): T | UnsupportedError {
  try {
    return work();
  } catch (error) {
    if (error instanceof UnsupportedError) return error;
    throw error;
  }
}

/** Seconds since the last call. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const seconds = (now - last) / 1000;
    last = now;
    return seconds;
  };
}

function resultOf(rows: readonly Row[], engine: Engine, seconds: number): BoundResult {
  let best: Row | undefined;
  for (const row of rows) {
    if (row.value === undefined || Number.isNaN(row.value.mantissa)) continue;
    if (!best || isLess(row.value, best.value!)) best = row;
  }
  if (!best?.value || !best.program) throw new Error('bound: no method gave a number');
  const outcomes = rows.flatMap((r) => (r.outcome && r.program?.factor === 1 ? [r.outcome] : []));
  const { output, segments, factor } = best.program;
  const vector = segments.at(-1)!.axes === 0 && output.window.length === 0;
  const margins = vector && factor === 1 ? marginBounds(output.channels, outcomes, best.value) : undefined;
  return {
    ...numbers(best.value),
    method: best.method,
    ...(best.rule ? { rule: best.rule } : {}),
    rigorous: false,
    seconds,
    methods: rows.map((row): MethodResult => ({
      method: row.method,
      ...(row.rule ? { rule: row.rule } : {}),
      ...(row.value ? numbers(row.value) : { bound: null, log10: null }),
      seconds: row.seconds,
      ...(row.error !== undefined ? { error: row.error } : {}),
    })),
    ...(margins ? { margins } : {}),
    layers: layerReports(best.program, best.rule),
    engine: engine.information,
  };
}

function numbers(value: Scaled): { bound: number | null; log10: number | null } {
  return { bound: toNumber(value), log10: value.mantissa === 0 ? null : log10(value) };
}
