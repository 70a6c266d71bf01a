/** The worker: the library at work, so that the page stays live. */

import { precisionOf } from '../../../src/engine/precision.ts';
import * as lipsoid from '../../../src/index.browser.ts';
import { printableJson } from '../../../src/printable.ts';
import { type Controls, type Calls as Served, serve } from '../../../src/worker/serve.ts';
import { engineOffers } from './engines.ts';
import { failureOf } from './failure.ts';
import type {
  BoundAnswer,
  BoundRequest,
  Calls,
  Failure,
  LoadedModel,
  ModelFiles,
  News,
  Verdict,
} from './protocol.ts';

const networks = new Map<number, lipsoid.Network>();
/** What the page shows on a GPU is to agree with the command line in three digits. */
const INFLATION_LIMIT = 1e-3;

/** Last results, whole: what proves them stays here. */
const results = new Map<number, lipsoid.BoundResult>();
/** For charts: float64, kept open. */
let side: Promise<lipsoid.Engine> | undefined;

function network(model: number): lipsoid.Network {
  const found = networks.get(model);
  if (!found) throw new Error(`worker: model ${model} must be loaded first`);
  return found;
}

async function load(model: number, { model: file, ...options }: ModelFiles): Promise<LoadedModel> {
  const loaded = await lipsoid.loadNetwork(file, options);
  networks.set(model, loaded);
  results.delete(model);
  const shape = (tensor: number) => loaded.tensors[tensor]!.shape;
  const { refusal, ...inspection } = lipsoid.inspect(loaded);
  return {
    inspection,
    ...(refusal && {
      refusal: { kind: 'unsupported', message: refusal.message, items: refusal.items },
    }),
    input: shape(loaded.input),
    output: shape(loaded.output),
    nodes: loaded.nodes.length,
    inputs: inputsOf(lipsoid.simplify(loaded)),
  };
}

/** Of the layers that `inspect` lists. */
function inputsOf({ nodes }: lipsoid.Network): number[][] {
  const places = new Map(nodes.map(({ output }, k) => [output, k]));
  return nodes.map(({ inputs }) => inputs.map((tensor) => places.get(tensor) ?? -1));
}

async function bound(model: number, request: BoundRequest, controls: Controls<News>): Promise<BoundAnswer> {
  const { engine: name, threads, ...options } = request;
  const { signal, interrupt, tell } = controls;
  const run = async (engine: lipsoid.Engine) => {
    try {
      return await lipsoid.bound(network(model), {
        ...options,
        ...{ engine, signal, interrupt, inflationLimit: INFLATION_LIMIT },
        onProgress: (progress) => tell({ progress }),
        onTrace: (trace) => tell({ trace }),
        onMethod: (method) => tell({ method }),
      });
    } finally {
      await engine.close();
    }
  };
  const open = (engine: BoundRequest['engine']) =>
    lipsoid.createEngine({ engine, ...(threads === undefined ? {} : { threads }) });
  const engine = await open(name);
  try {
    return { result: kept(model, await run(engine)) };
  } catch (error) {
    const onCpu = precisionOf(engine.information) === 'double';
    const refused = error instanceof lipsoid.UnsupportedError;
    if (refused || onCpu || signal.aborted || interrupt.aborted) throw error;
    // A device that is lost or out of memory is no reason to have no bound; what is wrong otherwise the CPU says again.
    const note = `${engine.information.description} failed (${String(error)}); computed on the CPU instead.`;
    return { result: kept(model, await run(await open('cpu'))), note };
  }
}

/** Keeps a result for a certificate; the page gets it without the arrays that only a certificate needs. */
function kept(model: number, result: lipsoid.BoundResult): lipsoid.BoundResult {
  results.set(model, result);
  const { proof: _, ...light } = result;
  return light;
}

async function certify(model: number, signal: AbortSignal): Promise<string> {
  const result = results.get(model);
  if (!result) throw new lipsoid.InputError('certificate: there is no result to certify');
  const { certify: certified } = await import('./certificates.ts');
  const certificate = await certified(network(model), result, {
    ...{ by: `lipsoid ${__VERSION__}, in a browser`, signal },
  });
  return `${printableJson(certificate)}\n`;
}

async function verify(model: number, certificate: unknown, signal: AbortSignal): Promise<Verdict> {
  return (await import('./certificates.ts')).verify(network(model), certificate, { signal });
}

function sideEngine(): Promise<lipsoid.Engine> {
  side ??= lipsoid.createEngine({ engine: 'cpu-wasm' });
  return side;
}

const calls: Served<Calls, News> = {
  offers: async () => ({ engines: await engineOffers() }),
  load: (_, model, files) => load(model, files),
  bound: (controls, model, request) => bound(model, request, controls),
  prefixes: async ({ signal, tell }, model, request) =>
    lipsoid.prefixBounds(network(model), {
      ...{ ...request, lower: true, engine: await sideEngine(), signal },
      onPrefix: (prefix) => tell({ prefix }),
    }),
  spectrum: async ({ signal }, model, layer) =>
    lipsoid.layerSpectrum(network(model), layer, { engine: await sideEngine(), signal }),
  certify: ({ signal }, model) => certify(model, signal),
  openSamples: async (_, model, source, request) =>
    (await import('./samples.ts')).openOutline(network(model), source, request),
  certifySamples: async (controls, model, source, request) =>
    (await import('./samples.ts')).certify(network(model), source, request, {
      ...controls,
      engine: await sideEngine(),
    }),
  moveSample: async ({ signal }, model, source, request, found) =>
    (await import('./samples.ts')).move(network(model), source, request, found, signal),
  verify: ({ signal }, model, certificate) => verify(model, certificate, signal),
  forget: async (_, model) => {
    networks.delete(model);
    results.delete(model);
    return undefined;
  },
};

serve<Calls, News, Failure>(calls, (error, cancel, asked) =>
  failureOf(error, cancel, 'call' in asked && asked.call === 'load' ? asked.parameters[1].model : undefined),
);
