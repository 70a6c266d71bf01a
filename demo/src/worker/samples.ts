/** Samples, certified one by one; loaded when the first are there. */
import { labelRows, type NumberRows } from '../../../src/certify/data/rows.ts';
import { type Fit, type SampleSet, sampleSet } from '../../../src/certify/data/samples.ts';
import { checkAll, type Scaled, scaledBy } from '../../../src/certify/scaled.ts';
import * as lipsoid from '../../../src/index.browser.ts';
import type {
  CertifiedSamples,
  FoundSample,
  MovedSample,
  News,
  Picture,
  SampleOutline,
  SampleRequest,
  SampleSource,
} from './protocol.ts';

/** From so many samples on the bounds of the whole network, which come first, save more time than they take. */
const MANY = 500;

function shapeOf({ tensors, input }: lipsoid.Network): readonly number[] {
  return tensors[input]!.shape;
}

async function opened(
  network: lipsoid.Network,
  source: SampleSource,
  request: SampleRequest,
): Promise<SampleSet> {
  const { inputs, labels, first } = request;
  const shape = shapeOf(network);
  const fit: Fit = {
    shape,
    classes: network.tensors[network.output]!.shape[0] ?? 0,
    ...(first !== undefined && { first }),
  };
  if ('drawn' in source) {
    const known =
      source.labels && labels !== false ? labelRows('of what was to be drawn', source.labels) : undefined;
    return sampleSet(drawnRows(source.drawn, shape), known, fit);
  }
  return lipsoid.openSamples(
    source.files,
    { ...(inputs !== undefined && { inputs }), ...(labels !== undefined && { labels }) },
    fit,
  );
}

function drawnRows(drawn: readonly Float64Array[], shape: readonly number[]): NumberRows {
  return {
    ...{ name: 'drawn digits', shape: [drawn.length, ...shape], full: undefined, image: false },
    async *read(from, to) {
      yield* drawn.slice(from, to);
    },
  };
}

export async function openOutline(
  network: lipsoid.Network,
  source: SampleSource,
  request: SampleRequest,
): Promise<SampleOutline> {
  const { first: _, ...whole } = request;
  const { inputs, labels, count, shape, full } = await opened(network, source, whole);
  return { inputs, labels: labels ?? null, count, shape, divisor: full ?? 1 };
}

interface Controls {
  readonly signal: AbortSignal;
  readonly tell: (news: News) => void;
  /** Stays open. */
  readonly engine: lipsoid.Engine;
}

export async function certify(
  network: lipsoid.Network,
  source: SampleSource,
  request: SampleRequest,
  { signal, tell, engine }: Controls,
): Promise<CertifiedSamples> {
  const scaled = scaledBy(request, network);
  const set = await opened(network, source, request);
  await checkAll(set, scaled, 'the limits of pixels', signal);
  const { evaluations, timeLimit } = request;
  const notes: string[] = [];
  const counterexamples = new Map<number, Float64Array>();
  const reports = lipsoid.certifySamples(scaled.network, scaled.samples(set.read(0, set.count)), {
    ...{ engine, signal, maxRadius: true, global: set.count >= MANY },
    ...limitsOf(scaled),
    ...(evaluations !== undefined && { evaluations }),
    ...(timeLimit !== undefined && { timeLimit }),
    onProgress: (progress) => tell({ progress }),
    onNote: (note) => notes.push(note),
    onCounterexample: (index, point) => counterexamples.set(index, point),
  });
  for await (const report of reports) {
    const counterexample = counterexamples.get(report.index);
    counterexamples.delete(report.index);
    tell({ sample: { report, ...(counterexample && { counterexample }) } });
  }
  return { notes, engine: engine.information };
}

function limitsOf({ limits, attackLimits }: Scaled): lipsoid.CertifySamplesOptions {
  return { ...(limits && { limits }), ...(attackLimits && { attackLimits }) };
}

/** Where a sample can be moved to: to the edge of what is certified, and to the counterexample. */
export async function move(
  network: lipsoid.Network,
  source: SampleSource,
  request: SampleRequest,
  { report, counterexample }: FoundSample,
  signal: AbortSignal,
): Promise<MovedSample> {
  const scaled = scaledBy(request, network);
  const set = await opened(network, source, request);
  const picture = (point: Float64Array): Picture => ({
    values: scaled.pixels(point),
    outputs: lipsoid.evaluate(scaled.network, point),
  });
  const { index, predicted, radius = 0 } = report;
  for await (const { input } of scaled.samples(set.read(index, index + 1))) {
    signal.throwIfAborted();
    const limits = scaled.attackLimits ?? scaled.limits;
    // Only right labels are certified, which are what is predicted.
    const weakest =
      radius > 0 && predicted !== null
        ? await lipsoid.weakestPoint(scaled.network, { input, label: predicted }, radius, {
            ...(counterexample && { from: counterexample }),
            ...(limits && { limits }),
            signal,
          })
        : undefined;
    return {
      input: picture(input),
      ...(weakest && { certified: { ...picture(weakest.point), margin: weakest.margin } }),
      ...(counterexample && { counterexample: picture(counterexample) }),
    };
  }
  throw new lipsoid.InputError(`${set.inputs}: must not change, sample ${index} is gone`);
}
