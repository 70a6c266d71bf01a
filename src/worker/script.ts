/** The script of `LipsoidWorker`'s worker: the library, its networks and its engines. */
import * as lipsoid from '../index.browser.ts';
import { receivedOptions } from './options.ts';
import type { SentFailure, SentOptions, Told, WorkerCalls } from './protocol.ts';
import { type Calls, type Controls, serve } from './serve.ts';

const networks = new Map<number, lipsoid.Network>();

function network(id: number): lipsoid.Network {
  const found = networks.get(id);
  if (!found) throw new lipsoid.InputError('network: must be one that this worker has loaded');
  return found;
}

/** By what was asked for: making one takes time, on a GPU much of it. */
const engines = new Map<string, Promise<lipsoid.Engine>>();

function engineFor(options: lipsoid.EngineOptions = {}): Promise<lipsoid.Engine> {
  const key = JSON.stringify([options.engine, options.threads]);
  const found = engines.get(key) ?? lipsoid.createEngine(options);
  engines.set(key, found);
  // The next call tries anew.
  found.catch(() => engines.delete(key));
  return found;
}

/** Calls the library with an engine; one that fails, such as a GPU that is lost, is not used again. */
async function withEngine<R>(
  sent: SentOptions,
  controls: Controls<Told>,
  use: (options: ReturnType<typeof receivedOptions> & { readonly engine: lipsoid.Engine }) => Promise<R>,
): Promise<R> {
  const engine = await engineFor(sent.engine);
  try {
    return await use({ ...receivedOptions(sent, controls), engine });
  } catch (error) {
    const own = error instanceof lipsoid.InputError || error instanceof lipsoid.UnsupportedError;
    // Devices report their loss as what can be helped.
    const onGpu = engine.information.unitRoundoff > 2 ** -50;
    if ((!own || onGpu) && !controls.signal.aborted) {
      for (const [key, kept] of engines) if ((await kept) === engine) engines.delete(key);
      await engine.close().catch(() => {});
    }
    throw error;
  }
}

const calls: Calls<WorkerCalls, Told> = {
  load: async ({ signal }, id, model, options) => {
    const loaded = await lipsoid.loadNetwork(model, { ...options, signal });
    networks.set(id, loaded);
    const { name, source, tensors, input, output } = loaded;
    const shape = (tensor: number) => tensors[tensor]!.shape;
    return { name, ...(source && { source }), input: shape(input), output: shape(output) };
  },
  forget: async (_, id) => {
    networks.delete(id);
    return undefined;
  },
  describe: async (_, options) => (await engineFor(options)).information,
  inspect: async (_, id) => lipsoid.inspect(network(id)),
  bound: (controls, id, sent) => withEngine(sent, controls, (options) => lipsoid.bound(network(id), options)),
  localBound: (controls, id, centre, radius, sent) =>
    withEngine(sent, controls, ({ interrupt: _, ...options }) =>
      lipsoid.localBound(network(id), centre, radius, options),
    ),
  prefixBounds: (controls, id, sent) =>
    withEngine(sent, controls, (options) => lipsoid.prefixBounds(network(id), options)),
  layerSpectrum: (controls, id, layer, sent) =>
    withEngine(sent, controls, (options) => lipsoid.layerSpectrum(network(id), layer, options)),
  certifySamples: (controls, id, samples, sent) =>
    withEngine(sent, controls, async ({ onSample, interrupt: _, ...options }) => {
      const reports: lipsoid.SampleReport[] = [];
      for await (const report of lipsoid.certifySamples(network(id), samples, options)) {
        reports.push(report);
        if (typeof onSample === 'function') onSample(report);
      }
      return reports;
    }),
  certify: ({ signal }, id, result) => lipsoid.certify(network(id), result, { signal }),
  verify: ({ signal }, id, certificate) => lipsoid.verify(network(id), certificate, { signal }),
  evaluate: async (_, id, input) => lipsoid.evaluate(network(id), input),
};

async function failureOf(error: unknown, cancel: AbortSignal): Promise<SentFailure> {
  if (cancel.aborted) return { kind: 'cancelled', message: 'cancelled' };
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof lipsoid.UnsupportedError) return { kind: 'unsupported', message, items: error.items };
  if (error instanceof lipsoid.InputError) return { kind: 'input', message };
  return { kind: 'other', message: error instanceof Error ? (error.stack ?? message) : message };
}

serve<WorkerCalls, Told, SentFailure>(calls, failureOf);
