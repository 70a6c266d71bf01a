/** What the page knows: models, their runs, settings. Views draw it; everything that changes it is here. */
import { DEFAULTS } from '../../src/bounds/defaults.ts';
import { LARGEST_CERTIFICATE } from '../../src/certificate/fields.ts';
import { parseJson } from '../../src/certificate/json.ts';
import { InputError } from '../../src/errors.ts';
import type {
  BoundResult,
  LayerSpectrum,
  MethodResult,
  PrefixBound,
  Progress,
  SampleFile,
  StoredMultipliers,
} from '../../src/index.browser.ts';
import { Certification, type Extra } from './certification.ts';
import type { Link } from './link.ts';
import { least } from './readings.ts';
import { type CallOf, Client, failureOf } from './worker/client.ts';
import type {
  BoundAnswer,
  BoundRequest,
  Failure,
  LoadedModel,
  ModelFiles,
  News,
  Offers,
  TracePoint,
  Verdict,
} from './worker/protocol.ts';

export interface Run {
  readonly request: BoundRequest;
  /** On `performance.now()`; undefined while it waits for others. */
  started?: number;
  progress?: Progress;
  /** When the progress came. */
  heard?: number;
  trace: readonly TracePoint[];
  /** Found so far. */
  methods: readonly MethodResult[];
  /** Exactly one of these once it has ended. */
  answer?: BoundAnswer;
  failure?: Failure;
  readonly call: Pick<CallOf<'bound'>, 'cancel' | 'interrupt'>;
}

export interface Model {
  readonly id: number;
  files: ModelFiles;
  /** Where its host has it, if it came from there. */
  readonly origin?: Link['network'];
  /** Neither while it is being read. */
  loaded?: LoadedModel;
  failure?: Failure;
  run?: Run;
  /** Of the last run that found one. */
  answer?: BoundAnswer;
  growth?: Growth;
  /** A certificate that was dropped with it, and what the checker says. */
  certificate?: Extra<Verdict> & { readonly file: string };
  /** A certificate of the answer that is being made. */
  certifying?: { readonly failure?: Failure };
  readonly spectra: Map<string, Extra<LayerSpectrum>>;
  readonly samples: Certification;
}

/** Bounds of prefixes, as many as there are so far. */
export interface Growth extends Extra<readonly PrefixBound[]> {
  readonly ended: boolean;
  readonly cancel: () => void;
}

/** Something to be said that belongs to no model. */
export interface Notice {
  readonly text: string;
  /** `alarm`: something went wrong. `plain`: what happened, or what to do next. */
  readonly tone: 'alarm' | 'plain';
}

export function isRunning(model: Model): boolean {
  return model.run !== undefined && !model.run.answer && !model.run.failure;
}

export class App {
  readonly models: Model[] = [];
  selected: Model | undefined;
  /** Undefined until the worker has tried them. */
  offers: Offers | undefined;
  request: BoundRequest = { engine: DEFAULTS.engine, method: DEFAULTS.method };
  notice: Notice | undefined;
  /** The layer that is looked at. */
  layer: string | undefined;

  readonly #client = new Client();
  readonly #listeners: (() => void)[] = [];
  readonly #announce: (text: string) => void;
  /** Documents whose network is not there yet. */
  #homeless: {
    readonly file: string;
    readonly kind: 'certificate' | 'multipliers';
    readonly value: unknown;
  }[] = [];
  /** Files of samples whose network is not there yet. */
  #unplaced: readonly SampleFile[] = [];
  #scheduled = false;
  #count = 0;

  /** @param announce tells people who cannot see the page */
  constructor(announce: (text: string) => void) {
    this.#announce = announce;
    this.#client.offers().result.then(
      (offers) => {
        this.offers = offers;
        this.#changed();
      },
      (error) => this.#note(String(error)),
    );
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
    listener();
  }

  // ---- models -----------------------------------------------------------------------------------

  add(files: ModelFiles, origin?: Link['network']): Model {
    const id = this.#count++;
    const telling = { changed: () => this.#changed(), announce: this.#announce };
    const samples = new Certification(id, this.#client, telling);
    const model: Model = { id, files, ...(origin && { origin }), spectra: new Map(), samples };
    this.models.push(model);
    this.selected = model;
    void this.#load(model);
    return model;
  }

  /** Reads a model again with other files or options. */
  reload(model: Model, files: ModelFiles): void {
    model.files = files;
    delete model.failure;
    void this.#load(model);
  }

  select(model: Model): void {
    this.selected = model;
    this.#changed();
  }

  /** Shows what there is of a layer. */
  look(layer: string): void {
    this.layer = layer;
    this.#changed();
  }

  remove(model: Model): void {
    model.run?.call.cancel();
    model.growth?.cancel();
    model.samples.close();
    this.#client.forget(model.id);
    this.models.splice(this.models.indexOf(model), 1);
    if (this.selected === model) this.selected = this.models.at(-1);
    this.#announce(`${model.files.model.name} removed.`);
    this.#changed();
  }

  set(change: Partial<BoundRequest>): void {
    this.request = { ...this.request, ...change };
    this.#changed();
  }

  /** Undefined: there is nothing to be said any more. */
  notify(text: string | undefined, tone: Notice['tone'] = 'alarm'): void {
    this.#note(text, tone);
  }

  async #load(model: Model): Promise<void> {
    const { name } = model.files.model;
    this.#announce(`Reading ${name}.`);
    this.#changed();
    try {
      const loaded = await this.#client.load(model.id, model.files).result;
      model.loaded = loaded;
      if (loaded.refusal) model.failure = loaded.refusal;
      this.#announce(
        loaded.refusal
          ? `${name} has no bound here: ${loaded.refusal.message}`
          : `${name} read: ${loaded.inspection.layers.length} layers.`,
      );
    } catch (error) {
      model.failure = failureOf(error);
      this.#announce(`${name} refused: ${model.failure.message}`);
    }
    this.#changed();
    // Who gives multipliers asks for a search from there, which is the first.
    const placed = this.#placeDocuments();
    this.#placeSamples();
    // The time limit ends what is large, and the cheapest bounds come first.
    if (model.loaded && !model.failure && !placed.includes(model)) this.bound(model);
  }

  // ---- bounds -----------------------------------------------------------------------------------

  /** @param multipliers where the search starts, for once */
  bound(model: Model, multipliers?: StoredMultipliers): void {
    const request = { ...this.request, ...(multipliers && { multipliers }) };
    model.growth?.cancel();
    const { id } = model;
    const hear = (news: News) => {
      run.started ??= performance.now();
      if (news.progress) {
        run.progress = news.progress;
        run.heard = performance.now();
      }
      if (news.trace) run.trace = [...run.trace, news.trace];
      if (news.method) run.methods = [...run.methods, news.method];
      this.#changed();
    };
    const call = this.#client.bound(id, request, hear);
    const run: Run = { request, trace: [], methods: [], call };
    model.run = run;
    this.#announce(`Bounding ${model.files.model.name}.`);
    this.#changed();
    call.result
      .then(
        (answer) => {
          run.answer = answer;
          model.answer = answer;
          delete model.growth;
          this.#announce(`${model.files.model.name}: done.`);
          if (smallEnough(model)) this.grow(model);
        },
        (error) => {
          run.failure = failureOf(error);
          this.#announce(run.failure.message);
        },
      )
      .finally(() => this.#changed());
  }

  /** Bounds of all prefixes, with the rule that was best. */
  grow(model: Model): void {
    const rule = bestRule(model.answer?.result);
    const { answer } = model;
    const target = answer?.result.target;
    const found: PrefixBound[] = [];
    const show = (growth: Pick<Growth, 'value' | 'failure' | 'ended'>) => {
      // Of an answer that another has replaced, nothing is shown.
      if (model.answer !== answer) return;
      model.growth = { ...growth, cancel: call.cancel };
      this.#changed();
    };
    const call = this.#client.prefixes(
      model.id,
      { ...(rule && { rule }), ...(target && { target }) },
      ({ prefix }) => {
        if (prefix) found.push(prefix);
        show({ value: [...found], ended: false });
      },
    );
    show({ value: [], ended: false });
    call.result.then(
      (value) => show({ value, ended: true }),
      (error) => show({ failure: failureOf(error), ended: true }),
    );
  }

  spectrum(model: Model, layer: string): void {
    if (model.spectra.has(layer)) return;
    model.spectra.set(layer, {});
    this.#changed();
    this.#client
      .spectrum(model.id, layer)
      .result.then(
        (value) => model.spectra.set(layer, { value }),
        (error) => model.spectra.set(layer, { failure: failureOf(error) }),
      )
      .finally(() => this.#changed());
  }

  // ---- documents --------------------------------------------------------------------------------

  /** Gives the certificate of the last answer to `save`. */
  certify(model: Model, save: (text: string) => void): void {
    model.certifying = {};
    this.#changed();
    this.#client
      .certify(model.id)
      .result.then(
        (text) => {
          delete model.certifying;
          save(text);
          this.#announce('Certificate made and checked.');
        },
        (error) => {
          model.certifying = { failure: failureOf(error) };
          this.#announce(model.certifying.failure!.message);
        },
      )
      .finally(() => this.#changed());
  }

  /** Takes what was saved here or by the command line to its network, which may come later. */
  async offerDocument(file: File): Promise<void> {
    try {
      if (file.size > LARGEST_CERTIFICATE) {
        throw new InputError(
          `${file.name}: must have at most ${LARGEST_CERTIFICATE} bytes, got ${file.size}`,
        );
      }
      const value = parseJson(await file.text(), file.name);
      const kind = kindOf(value);
      if (kind === 'result') {
        this.#note(`${file.name} holds results, in which nothing proves them: a certificate does.`, 'plain');
        return;
      }
      this.#homeless.push({ file: file.name, kind, value });
    } catch (error) {
      this.#note(`The file was not read: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    this.#placeDocuments();
    if (this.#homeless.length > 0 && this.models.every((m) => m.failure)) {
      this.#note(`${file.name}: now drop the network that it is for.`, 'plain');
    }
  }

  /**
   * To the network with its hash; to the selected one, which then says what is wrong, where there is none.
   * @returns the models that are bounded for it
   */
  #placeDocuments(): Model[] {
    if (this.models.some((m) => !m.loaded && !m.failure)) return [];
    const loaded = this.models.filter((m) => m.loaded);
    if (loaded.length === 0) return [];
    return this.#homeless.splice(0).flatMap(({ file, kind, value }) => {
      const hash = hashIn(value);
      const own = loaded.find((m) => m.loaded!.inspection.source?.sha256 === hash);
      const model = own ?? (this.selected?.loaded ? this.selected : loaded[0]!);
      this.selected = model;
      if (kind === 'certificate') {
        this.#note(undefined);
        this.#verify(model, file, value);
        return [];
      }
      this.#note(`The search starts from the multipliers in ${file}.`, 'plain');
      // What is wrong with them the library says.
      this.bound(model, value as StoredMultipliers);
      return [model];
    });
  }

  #verify(model: Model, file: string, value: unknown): void {
    model.certificate = { file };
    this.#changed();
    this.#client
      .verify(model.id, value)
      .result.then(
        (verdict) => {
          model.certificate = { file, value: verdict };
          this.#announce(`${file}: ${verdict.accepted ? 'accepted' : `rejected: ${verdict.reason}`}`);
        },
        (error) => {
          model.certificate = { file, failure: failureOf(error) };
          this.#announce(failureOf(error).message);
        },
      )
      .finally(() => this.#changed());
  }

  // ---- samples ----------------------------------------------------------------------------------

  /** Files of samples: of the selected network, which may come later. */
  offerSamples(files: readonly SampleFile[]): void {
    this.#unplaced = files;
    this.#placeSamples();
    if (this.#unplaced.length > 0 && this.models.every((m) => m.failure)) {
      this.#note(`${files[0]!.path}: now drop the network that these samples are for.`, 'plain');
    }
  }

  #placeSamples(): void {
    const model = this.selected;
    if (this.#unplaced.length === 0 || !model?.loaded) return;
    this.#note(classifies(model.loaded) ? undefined : NOT_CLASSES);
    if (classifies(model.loaded)) model.samples.offer(this.#unplaced);
    this.#unplaced = [];
  }

  // ---- telling ----------------------------------------------------------------------------------

  #note(text: string | undefined, tone: Notice['tone'] = 'alarm'): void {
    this.notice = text === undefined ? undefined : { text, tone };
    if (text !== undefined) this.#announce(text);
    this.#changed();
  }

  /** Many changes in one turn are drawn once. */
  #changed(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Not an animation frame: those stop in tabs that nobody looks at.
    setTimeout(() => {
      this.#scheduled = false;
      for (const listener of this.#listeners) listener();
    }, 16);
  }
}

/** Operations that a chart may cost without being asked for: seconds. */
const UNASKED_FLOPS = 2e10;

/** Prefixes cost as many passes as there are layers, half of their length. */
function smallEnough({ loaded }: Model): boolean {
  if (!loaded) return false;
  const { flops, layers, refused } = loaded.inspection;
  return refused.length === 0 && (flops / 20) * layers.length < UNASKED_FLOPS;
}

/** Whether there is one output for each of some classes. */
export function classifies({ output }: LoadedModel): boolean {
  return output.length === 1 && output[0]! >= 2;
}

const NOT_CLASSES =
  'Samples are certified of networks with one output for each of at least two classes; this one has others.';

function bestRule(result: BoundResult | undefined) {
  const rule = least((result?.methods ?? []).filter((m) => m.method === 'closed-form'))?.rule;
  return rule === 'refined' || rule === 'from ℓ2' ? undefined : rule;
}

/** What a JSON document is, by its members; a certificate where they do not say: its checker says then what it lacks. */
function kindOf(document: unknown): 'certificate' | 'multipliers' | 'result' {
  const has = (...names: readonly string[]) =>
    typeof document === 'object' && document !== null && names.every((name) => Object.hasOwn(document, name));
  if (has('format')) return 'certificate';
  if (has('path', 'layers', 'network')) return 'multipliers';
  return has('engine', 'methods') || has('samples', 'summary') ? 'result' : 'certificate';
}

/** The hash of the network that a document is for, if it has one. */
function hashIn(document: unknown): string | undefined {
  const { network } = (document ?? {}) as { network?: unknown };
  const hash = (network as { sha256?: unknown } | null | undefined)?.sha256 ?? network;
  return typeof hash === 'string' ? hash : undefined;
}
