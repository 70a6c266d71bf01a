/** The main job: every method that fits, the least bound of all. */

import { normCost, programCost, stepsOf } from '../ellipsoid/memory/cost.ts';
import { RULE_NAMES, type RuleName } from '../ellipsoid/multipliers/closedForms.ts';
import { hasSkips } from '../ellipsoid/multipliers/skips.ts';
import type { Norms } from '../ellipsoid/norms/gains.ts';
import { Rounding } from '../ellipsoid/rounding/rounding.ts';
import { type Outcome, sweep } from '../ellipsoid/sweep/sweep.ts';
import { createEngine } from '../engine/create.ts';
import type { Engine } from '../engine/engine.ts';
import { InputError, UnsupportedError } from '../errors.ts';
import type { Network } from '../network/network.ts';
import { foldingsOf } from '../network/simplify/roundings.ts';
import { simplify } from '../network/simplify.ts';
import { compile } from '../program/compile.ts';
import type { Program } from '../program/program.ts';
import { isLess, log10, type Scaled, scaled, times, toNumber } from '../scaled.ts';
import { AnyLength } from './anyLength.ts';
import { beyondMemory, beyondSampling, disproportion, MemoryError, type Room, roomIn } from './budget.ts';
import { closedForms, runsOf } from './closedForm.ts';
import { layerReports } from './layers.ts';
import { Ledger } from './ledger.ts';
import { sampledLowerBound } from './lower.ts';
import { sampledAtLengths } from './lowerLengths.ts';
import { allMarginsOf, hasEntries, keepsOutputOrder, marginBounds } from './margins.ts';
import { checkedMethod, checkMultipliers, checkTarget } from './options.ts';
import { proofOf } from './proof.ts';
import { DEFAULT_TIME_LIMIT, type Found, multipliersFor, refined, searchCost } from './refined.ts';
import { repeated } from './repetition.ts';
import type {
  BoundOptions,
  BoundResult,
  LowerBound,
  MethodName,
  StoredMultipliers,
  TracePoint,
} from './result.ts';
import { inflationReport, least, methodResult, numbers, type Row, rowValue } from './rows.ts';
import { spectralProduct } from './spectralProduct.ts';
import { type Unrolled, unrolledProgram, wholeUnrolling } from './unrolled.ts';

const DEFAULT_INFLATION_LIMIT = 0.05;
/** Milliseconds that the lower bound has after an interruption: what it takes on most networks. */
const PATIENCE = 1000;

/**
 * Bounds the ℓ2 Lipschitz constant of a network: ‖f(x) − f(y)‖₂ ≤ bound · ‖x − y‖₂ for all inputs x, y.
 *
 * @throws UnsupportedError where no method covers the network: lists every node that stands in the way
 * @throws InputError for options that make no sense
 * @throws the signal's reason when it is aborted
 */
export async function bound(network: Network, options: BoundOptions = {}): Promise<BoundResult> {
  const method = checkedMethod(options);
  checkTarget(network, options.target);
  checkMultipliers(network, options.multipliers);
  const engine = options.engine ?? (await createEngine());
  try {
    return await new Computation(engine, network, options, method).run();
  } finally {
    if (!options.engine) await engine.close();
  }
}

class Computation {
  readonly #start = performance.now();
  readonly #engine: Engine;
  readonly #original: Network;
  readonly #network: Network;
  readonly #options: BoundOptions;
  readonly #method: MethodName;
  readonly #rules: readonly RuleName[];
  readonly #room: Room;
  /** Absent where the caller wants bare numbers. */
  readonly #rounding: Rounding | undefined;
  /** Programs whose multipliers are left out, and why. */
  readonly #objections = new Map<Program, MemoryError | string>();
  /** Stops what no number has come of yet. */
  readonly #signal: AbortSignal | undefined;
  readonly #pair: readonly [number, number] | undefined;
  readonly #ledger: Ledger;
  readonly #rows: Row[] = [];
  #leftOut: BoundResult['leftOut'];
  readonly #notes: string[] = [];
  readonly #trace: TracePoint[] = [];
  /** On `performance.now()`. */
  #deadline: number | undefined;
  readonly #multipliers = new Map<Row, StoredMultipliers>();

  constructor(engine: Engine, network: Network, options: BoundOptions, method: MethodName) {
    this.#engine = engine;
    this.#original = network;
    this.#network = simplify(network);
    this.#options = options;
    this.#method = method;
    this.#rules = options.rule ? [options.rule] : RULE_NAMES;
    this.#room = roomIn(options.memory, this.#original, this.#network);
    const foldings = foldingsOf(network);
    this.#rounding = options.rigor === false ? undefined : new Rounding(engine.information, foldings);
    const signals = [options.signal, options.interrupt].filter((s) => s !== undefined);
    this.#signal = signals.length > 0 ? AbortSignal.any(signals) : undefined;
    this.#pair = typeof options.target === 'object' ? options.target : undefined;
    this.#ledger = new Ledger(options.onProgress);
  }

  async run(): Promise<BoundResult> {
    try {
      await this.#allPaths();
    } catch (error) {
      // An interruption keeps what has been found.
      const found = this.#rows.some((r) => r.value !== undefined);
      if (this.#options.signal?.aborted || !this.#options.interrupt?.aborted || !found) throw error;
    }
    await this.#repeat();
    return this.#result(await this.#lower());
  }

  /** In float64, what float32 inflates too much. */
  async #repeat(): Promise<void> {
    const rounding = this.#rounding;
    if (!rounding?.coarse || this.#options.interrupt?.aborted) return;
    const limit = this.#options.inflationLimit ?? DEFAULT_INFLATION_LIMIT;
    const { rows, note } = await repeated(this.#engine, this.#rows, { rounding, limit, pair: this.#pair });
    this.#rows.forEach((row, k) => {
      const other = rows[k]!;
      const multipliers = this.#multipliers.get(row);
      if (other !== row && multipliers) this.#multipliers.set(other, multipliers);
      this.#rows[k] = other;
    });
    if (note !== undefined) this.#notes.push(note);
  }

  async #lower(): Promise<LowerBound | undefined> {
    const { lower, seed = 0, signal, interrupt } = this.#options;
    if (lower === false) return undefined;
    const beyond = beyondSampling(this.#original, this.#room.bytes);
    if (beyond !== undefined) {
      this.#notes.push(beyond);
      return undefined;
    }
    const clock = stopwatch();
    const enough = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hurry = () => {
      timer = setTimeout(() => enough.abort(), PATIENCE);
    };
    if (interrupt?.aborted) hurry();
    else interrupt?.addEventListener('abort', hurry);
    try {
      const options = { ...{ seed, signal, interrupt: enough.signal }, pair: this.#pair };
      const { length, smallestLength } = this.#options;
      const found =
        length === 'any'
          ? await sampledAtLengths(this.#original, smallestLength ?? 1, options)
          : await sampledLowerBound(this.#original, options);
      const { bound, log10 } = numbers(found.value);
      const sides = found.sides && { sides: found.sides };
      return { value: bound, log10, assurance: found.assurance, ...sides, seed, seconds: clock() };
    } finally {
      interrupt?.removeEventListener('abort', hurry);
      clearTimeout(timer);
    }
  }

  async #allPaths(): Promise<void> {
    if (this.#options.length === 'any') return this.#anyLength();
    const torus = this.#method !== 'unrolled' ? attempt(() => compile(this.#network)) : undefined;
    const dense = this.#dense(torus instanceof UnsupportedError);
    if (torus instanceof UnsupportedError) {
      for (const method of ['spectral-product', 'closed-form', 'refined'] as const) {
        if (this.#wants(method)) this.#rows.push({ method, seconds: 0, error: torus.message });
      }
    }
    if (dense instanceof UnsupportedError) {
      this.#rows.push({ method: 'unrolled', seconds: 0, error: dense.message });
    }
    const paths = [
      ...(torus && !(torus instanceof UnsupportedError) ? [{ program: torus, path: 'torus' as const }] : []),
      ...(dense && !(dense instanceof UnsupportedError)
        ? [{ program: dense.program, path: 'unrolled' as const, unrolledFrom: dense.from }]
        : []),
    ];
    if (paths.length === 0) throw [torus, dense].find((r) => r instanceof UnsupportedError)!;
    this.#checkShapes(paths);
    for (const { program, path } of paths) {
      this.#object(program, path);
      this.#announce(program);
    }
    const beyond = [...this.#objections.values()].find((objection) => objection instanceof MemoryError);
    // The weights alone are more than the budget.
    if (beyond && this.#room.bytes < 0) throw beyond;
    for (const { program, path, ...where } of paths) await this.#run(program, path, where);
    if (beyond && this.#rows.every((row) => row.value === undefined)) throw beyond;
  }

  /** Multipliers take what the memory has no room for, or are out of all proportion and nobody has asked for them. */
  #object(program: Program, path: StoredMultipliers['path']): void {
    const objection =
      beyondMemory(this.#engine, program, this.#room) ??
      (this.#method === 'all' ? disproportion(program, runsOf(this.#rules)) : undefined);
    if (objection === undefined) return;
    this.#objections.set(program, objection);
    const error = objection instanceof MemoryError ? objection.message : objection;
    const methods = path === 'torus' ? (['closed-form', 'refined'] as const) : (['unrolled'] as const);
    for (const method of methods) {
      if (this.#wants(method)) this.#rows.push({ method, seconds: 0, error });
    }
  }

  async #anyLength(): Promise<void> {
    const { smallestLength, cellTolerance } = this.#options;
    const lengths = new AnyLength(this.#engine, this.#original, {
      ...{ smallestLength, cellTolerance },
      pair: this.#pair,
      room: this.#room,
      rounding: this.#rounding,
      signal: this.#signal,
      ledger: this.#ledger,
    });
    this.#checkShapes([{ program: lengths.base, path: 'torus' }]);
    const clock = stopwatch();
    const stage = await lengths.closedForms(this.#rules);
    const rows = this.#closedRows(stage.program, stage.outcomes, 'closed-form', clock()).map(
      (row): Row => ({ ...row, length: stage.report }),
    );
    if (this.#method !== 'refined') for (const row of rows) this.#add(row);
    const best = least(rows);
    if (!this.#searches || !best) return;
    const searched = await lengths.searched(stage);
    this.#announceSearch(searched);
    await this.#search(searched, 'torus', best, clock, async (found) => {
      const { program, outcomes, report } = await lengths.refined(found.theta);
      return { program, outcome: outcomes[0]!, length: report };
    });
  }

  /** Whether the multipliers that a caller has given fit what will be searched. */
  #checkShapes(
    paths: readonly { readonly program: Program; readonly path: StoredMultipliers['path'] }[],
  ): void {
    const { multipliers } = this.#options;
    if (!multipliers) return;
    const asked = this.#options.rule ? `the rule ${this.#options.rule}` : `the method ${this.#method}`;
    if (!this.#searches) throw new InputError(`multipliers: a search starts from them, got ${asked}`);
    const own = paths.find(({ path }) => path === multipliers.path);
    if (!own) {
      throw new InputError(
        `multipliers: of a search on the path ${multipliers.path}, which ${asked} does not take here`,
      );
    }
    multipliersFor(own.program, multipliers);
  }

  #announceSearch(program: Program): void {
    const { timeLimit = DEFAULT_TIME_LIMIT } = this.#options;
    this.#ledger.announceSearch(searchCost(program, this.#options), timeLimit);
  }

  #wants(method: MethodName): boolean {
    return this.#method === 'all' || this.#method === method;
  }

  /** A search makes no sense where one closed form is asked for. */
  get #searches(): boolean {
    return !this.#options.rule && (this.#wants('refined') || this.#method === 'unrolled');
  }

  /** The program of the unrolled network, if it is asked for or in proportion. */
  #dense(needed: boolean): Unrolled | UnsupportedError | undefined {
    const asked = this.#method === 'unrolled';
    if (!asked && this.#method !== 'all' && this.#method !== 'refined') return undefined;
    const dense = attempt(() => unrolledProgram(this.#network, this.#room.bytes, asked || needed));
    if (!asked && !(dense instanceof UnsupportedError)) this.#leaveOut(dense);
    if (dense || !asked) return dense;
    return new UnsupportedError([
      {
        node: this.#network.name,
        found: 'the method unrolled',
        reason: this.#network.nodes.some((n) => n.operator.kind === 'convolution')
          ? 'no layer fits the memory budget as a dense matrix; raise it, or use closed-form'
          : 'the network has no convolution or pooling to unroll; closed-form is the same there',
      },
    ]);
  }

  /** @param dense what is run */
  #leaveOut(dense: Unrolled | undefined): void {
    const whole = wholeUnrolling(this.#network, this.#room.bytes);
    if (!whole || whole.from === dense?.from) return;
    const from = this.#network.nodes[whole.from]!.name;
    this.#leftOut = { method: 'unrolled', from, flops: whole.flops };
  }

  #needsNorms(program: Program): boolean {
    return this.#wants('spectral-product') || (hasSkips(program) && !this.#objections.has(program));
  }

  #announce(program: Program): void {
    if (!this.#objections.has(program)) {
      if (this.#method !== 'spectral-product')
        this.#ledger.announce(runsOf(this.#rules) * programCost(program));
      if (this.#searches) this.#announceSearch(program);
    }
    if (!this.#needsNorms(program)) return;
    for (const { segment, k, step } of stepsOf(program)) {
      if (step.kind !== 'linear' && step.kind !== 'read') continue;
      for (const placed of step.terms) {
        if (placed.term.map.kind !== 'identity') this.#ledger.announce(normCost(segment, k, placed));
      }
    }
  }

  async #run(
    program: Program,
    path: StoredMultipliers['path'],
    where: Pick<Row, 'unrolledFrom'>,
  ): Promise<void> {
    const options = {
      memory: this.#room.bytes,
      rounding: this.#rounding,
      signal: this.#signal,
      ledger: this.#ledger,
    };
    const method = path === 'torus' ? 'closed-form' : 'unrolled';
    const clock = stopwatch();
    let norms: Norms | undefined;
    if (this.#needsNorms(program)) {
      const product = await spectralProduct(this.#engine, program, options);
      const value = this.#pair ? times(product.bound, scaled(Math.SQRT2)) : product.bound;
      const seconds = clock();
      if (path === 'torus' && this.#wants('spectral-product')) {
        this.#add({ method: 'spectral-product', value, seconds, program });
      }
      norms = product.norms;
    }
    if (this.#method === 'spectral-product' || this.#objections.has(program)) return;
    const outcomes = await closedForms(this.#engine, program, norms, this.#rules, { ...options, method });
    const again = async (rule: RuleName, other: Engine, rounding: Rounding | undefined) => {
      const silent = { ...options, rounding, method, ledger: new Ledger(undefined) };
      const [found] = await closedForms(other, program, norms, [rule], silent);
      return found!;
    };
    const rows = this.#closedRows(program, outcomes, method, clock()).map((row): Row => {
      const rule = row.rule as RuleName;
      return { ...row, ...where, program, again: (other, rounding) => again(rule, other, rounding) };
    });
    if (this.#method !== 'refined') for (const row of rows) this.#add(row);
    const best = least(rows);
    if (this.#searches && best?.outcome) await this.#search(program, path, best, clock);
  }

  #closedRows(program: Program, outcomes: readonly Outcome[], method: Row['method'], seconds: number): Row[] {
    return outcomes.map((outcome): Row => {
      const value = rowValue(program, outcome, this.#pair);
      const failed = Number.isNaN(value.mantissa);
      const row = { method, rule: outcome.name as RuleName, seconds } as const;
      return failed ? { ...row, error: NOT_DOMINATED } : { ...row, value, program, outcome };
    });
  }

  /** @param home what the multipliers found say in the end; absent: what the search's own last pass says */
  async #search(
    program: Program,
    path: StoredMultipliers['path'],
    best: Row,
    clock: () => number,
    home?: (found: Found) => Promise<Required<Pick<Row, 'program' | 'outcome' | 'length'>>>,
  ): Promise<void> {
    // One limit for all searches, from the first on.
    this.#deadline ??= performance.now() + 1000 * (this.#options.timeLimit ?? DEFAULT_TIME_LIMIT);
    this.#ledger.searching(this.#deadline);
    const found = await refined(this.#engine, program, best.outcome!, path, {
      ...this.#options,
      memory: this.#room.bytes,
      rounding: this.#rounding,
      ledger: this.#ledger,
      method: path === 'torus' ? 'refined' : 'unrolled',
      deadline: this.#deadline,
      // What lies between the frequencies is left to `home`.
      onTrace: (point) => this.#tracePoint(home ? { ...point, estimate: true } : point),
    });
    const { unrolledFrom } = best;
    const row = {
      ...(path === 'torus'
        ? ({ method: 'refined' } as const)
        : ({ method: 'unrolled', rule: 'refined' } as const)),
      ...(unrolledFrom === undefined ? {} : { unrolledFrom }),
    };
    const seconds = clock();
    // What the search has not improved on is an answer too.
    const keepStart = () => {
      if (!this.#rows.includes(best)) this.#add(best);
    };
    if (typeof found === 'string') {
      keepStart();
      this.#rows.push({ ...row, seconds, error: NO_SEARCH[found] });
      return;
    }
    const end = home ? await home(found) : { program, outcome: found.outcome };
    const value = rowValue(end.program, end.outcome, this.#pair);
    const again = home ? {} : { again: this.#lastPass(program, found) };
    if (Number.isNaN(value.mantissa)) {
      keepStart();
      this.#rows.push({ ...row, seconds: seconds + clock(), program, ...again, error: NOT_DOMINATED });
      return;
    }
    if (!isLess(value, best.value!)) keepStart();
    const objective = this.#objective(end.program, end.outcome);
    const before = objective && this.#objective(best.program!, best.outcome!);
    const margins = before && { before: toNumber(before), after: toNumber(objective) };
    const full: Row = {
      ...row,
      seconds: seconds + clock(),
      search: { ...found.report, ...(margins ? { margins } : {}) },
      value,
      ...(objective ? { objective } : {}),
      ...end,
      ...again,
    };
    this.#add(full);
    const network = this.#original.source?.sha256 ?? null;
    this.#multipliers.set(full, { version: 2, network, path, layers: found.layers });
  }

  /** What a search makes small, where that is not the bound. */
  #objective({ output, factor }: Program, outcome: Outcome): Scaled | undefined {
    if (this.#options.target !== 'margins' || !outcome.covariance) return undefined;
    return times(allMarginsOf(outcome, output.channels), scaled(factor));
  }

  /** The last pass of a search once more. */
  #lastPass(program: Program, { theta }: Found): NonNullable<Row['again']> {
    return async (engine, rounding) => {
      const [outcome] = await sweep(engine, program, {
        ...{ runs: [{ name: 'refined', theta }], memory: this.#room.bytes, skips: new Map() },
        ...{ rounding, signal: this.#signal },
      });
      return outcome!;
    };
  }

  #add(row: Row): void {
    this.#rows.push(row);
    if (row.value && row.value.mantissa > 0) this.#ledger.found(log10(row.value));
  }

  #tracePoint(point: Omit<TracePoint, 'seconds'>): void {
    const full = { ...point, seconds: (performance.now() - this.#start) / 1000 };
    this.#trace.push(full);
    if (!point.estimate && this.#options.target !== 'margins') this.#ledger.found(point.log10);
    this.#options.onTrace?.(full);
  }

  #result(lower: LowerBound | undefined): BoundResult {
    const rows = this.#rows;
    const best = least(rows);
    const searched = least(
      rows.filter((r) => this.#multipliers.has(r)),
      (r) => r.objective ?? r.value,
    );
    const margins = best && this.#margins(best);
    const contradicted =
      lower && best?.value && this.#rounding && (lower.log10 ?? -Infinity) > log10(best.value) + 1e-12;
    if (contradicted && lower.assurance === 'rounding-safe') {
      // Two proofs that contradict each other: the device does not keep to its arithmetic, or there is a mistake in here.
      throw new Error(
        `bound: the bound 10^${log10(best.value)} must not lie below the sampled 10^${lower.log10}; please report this with the network, the engine (${this.#engine.information.description}) and its driver`,
      );
    }
    if (contradicted)
      this.#notes.push(
        'No lower bound: what was sampled lies above the bound, and nothing is known of the rounding in it (terms that cancel in the network do that).',
      );
    const sampled = contradicted ? undefined : lower;
    const proven = this.#pair ? undefined : least(rows.filter((r) => r.outcome !== undefined));
    return {
      ...numbers(best?.value),
      ...(best ? { method: best.method } : {}),
      ...(best?.rule ? { rule: best.rule } : {}),
      ...(this.#pair ? { target: this.#pair } : {}),
      ...(sampled ? { lower: sampled } : {}),
      assurance: this.#rounding ? 'rounding-safe' : 'nominal',
      ...(this.#notes.length === 0 ? {} : { note: this.#notes.join(' ') }),
      ...(this.#leftOut && !this.#options.rule ? { leftOut: this.#leftOut } : {}),
      ...(best?.length ? { length: best.length } : {}),
      ...(best?.outcome?.inflation ? { inflation: inflationReport(best.outcome.inflation) } : {}),
      seconds: (performance.now() - this.#start) / 1000,
      methods: rows.map(methodResult),
      ...(this.#trace.length > 0 ? { trace: this.#trace } : {}),
      ...(searched ? { multipliers: this.#multipliers.get(searched)! } : {}),
      ...(proven ? { proof: proofOf(proven.program!, proven.outcome!, proven.unrolledFrom ?? null) } : {}),
      ...(margins ? { margins } : {}),
      layers: layerReports(
        this.#network,
        best?.program,
        best?.rule ?? (best?.method === 'refined' ? 'refined' : undefined),
      ),
      engine: this.#engine.information,
    };
  }

  #margins({ program, value }: Row): number[][] | undefined {
    const { output, factor } = program!;
    if (this.#pair || !hasEntries(program!) || factor !== 1 || !keepsOutputOrder(this.#original))
      return undefined;
    const outcomes = this.#rows.flatMap((r) => (r.outcome ? [r.outcome] : []));
    return marginBounds(output.channels, outcomes, value!);
  }
}

const NO_SEARCH = {
  'no room': 'the search does not fit the memory budget; raise it',
  'no slope':
    'there is nothing to search: the bound is 0, or leaves the range of the arithmetic that the search works in',
} as const;

const NOT_DOMINATED = 'the multipliers do not dominate S in the arithmetic of the engine';

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
