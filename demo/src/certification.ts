/** Samples of one network: where they come from, what is certified of them, and where one of them can be moved to. */
import type { Progress } from '../../src/index.browser.ts';
import { type CallOf, type Client, failureOf } from './worker/client.ts';
import type {
  CertifiedSamples,
  Failure,
  FoundSample,
  MovedSample,
  SampleOutline,
  SampleRequest,
  SampleSource,
} from './worker/protocol.ts';

/** Something that is computed, for a chart or a picture. */
export interface Extra<T> {
  value?: T;
  failure?: Failure;
}

export interface SampleRun {
  readonly source: SampleSource;
  readonly request: SampleRequest;
  readonly total: number;
  /** On `performance.now()`; undefined while it waits for others. */
  started?: number;
  /** When the first sample began, which bounds of the whole network may come before. */
  sampling?: number;
  /** When the last sample came. */
  heard?: number;
  progress?: Progress;
  found: readonly FoundSample[];
  /** One of these once it has ended. */
  end?: CertifiedSamples;
  failure?: Failure;
  readonly call: Pick<CallOf<'certifySamples'>, 'cancel'>;
}

export function isCertifying(run: SampleRun | undefined): boolean {
  return run !== undefined && !run.end && !run.failure;
}

/** Samples that are taken where nobody says how many. */
const FIRST = 100;
/** Seconds that one of them may take: on convolutional networks proofs take long, and what is found by then counts. */
const SECONDS = 30;

export class Certification {
  source: SampleSource | undefined;
  /** What the fields say, and what the outline was read with. */
  request: SampleRequest = {};
  opened: SampleRequest = {};
  outline: Extra<SampleOutline> | undefined;
  run: SampleRun | undefined;
  /** Number of the sample whose pictures are shown. */
  chosen: number | undefined;
  readonly moved = new Map<number, Extra<MovedSample>>();
  /** Whether a digit is being drawn. */
  drawing = false;

  readonly #model: number;
  readonly #client: Client;
  readonly #changed: () => void;
  readonly #announce: (text: string) => void;

  constructor(
    model: number,
    client: Client,
    { changed, announce }: { readonly changed: () => void; readonly announce: (text: string) => void },
  ) {
    this.#model = model;
    this.#client = client;
    this.#changed = changed;
    this.#announce = announce;
  }

  /** Adds files to those of which the labels were missing; otherwise they stand for themselves. */
  offer(files: Extract<SampleSource, { files: object }>['files']): void {
    const before =
      this.source && 'files' in this.source && this.outline?.failure?.missing === 'labels'
        ? this.source.files
        : [];
    const kept = before.filter(({ path }) => !files.some((file) => file.path === path));
    // What names arrays and units of other data says nothing of these.
    void this.open({ files: [...kept, ...files] }, kept.length > 0 ? this.request : {});
  }

  /** Reads the outline of samples; `start` certifies them. */
  async open(source: SampleSource, request: SampleRequest): Promise<void> {
    this.run?.call.cancel();
    this.run = undefined;
    this.moved.clear();
    this.chosen = undefined;
    this.source = source;
    this.request = request;
    this.opened = request;
    const waiting: Extra<SampleOutline> = {};
    this.outline = waiting;
    this.#changed();
    let outline: Extra<SampleOutline>;
    try {
      outline = { value: await this.#client.openSamples(this.#model, source, request).result };
    } catch (error) {
      outline = { failure: failureOf(error) };
    }
    // Others may have come meanwhile.
    if (this.outline !== waiting) return;
    this.outline = outline;
    const { value, failure } = outline;
    if (value) this.request = { first: Math.min(FIRST, value.count), timeLimit: SECONDS, ...this.request };
    this.#announce(value ? `${value.inputs}: ${value.count} samples.` : failure!.message);
    this.#changed();
  }

  start(request: SampleRequest): void {
    const { source } = this;
    const outline = this.outline?.value;
    if (!source || !outline) return;
    this.run?.call.cancel();
    this.moved.clear();
    this.chosen = undefined;
    this.request = request;
    const call = this.#client.certifySamples([this.#model, source, request], ({ progress, sample }) => {
      run.started ??= performance.now();
      if (progress) run.progress = progress;
      if (sample) {
        run.heard = performance.now();
        run.sampling ??= run.heard - 1000 * sample.report.seconds;
        run.found = [...run.found, sample];
      }
      this.#changed();
    });
    const total = Math.min(request.first ?? outline.count, outline.count);
    const run: SampleRun = { source, request, total, found: [], call };
    this.run = run;
    this.#announce(`Certifying ${total === 1 ? 'one sample' : `${total} samples`}.`);
    this.#changed();
    call.result
      .then(
        (end) => {
          run.end = end;
          this.#announce('Certified.');
        },
        (error) => {
          run.failure = failureOf(error);
          this.#announce(run.failure.message);
        },
      )
      .finally(() => {
        if (this.run !== run) return;
        const [first] = run.found;
        if (first && this.chosen === undefined) this.choose(first.report.index);
        this.#changed();
      });
  }

  /** Shows where a sample can be moved to. */
  choose(index: number): void {
    this.chosen = index;
    this.#changed();
    const { run, moved } = this;
    const found = run?.found.find(({ report }) => report.index === index);
    if (!run || !found || moved.has(index)) return;
    moved.set(index, {});
    const show = (extra: Extra<MovedSample>) => {
      if (this.run !== run) return;
      moved.set(index, extra);
      this.#changed();
    };
    this.#client.moveSample(this.#model, run.source, run.request, found).result.then(
      (value) => show({ value }),
      (error) => show({ failure: failureOf(error) }),
    );
  }

  set(request: SampleRequest): void {
    this.request = request;
  }

  draw(drawing: boolean): void {
    this.drawing = drawing;
    this.#changed();
  }

  close(): void {
    this.run?.call.cancel();
  }
}
