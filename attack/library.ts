/** The library under attack, as users call it. Tests put a library with a fault in its place. */
import { bound } from '../src/bounds/bound.ts';
import { prefixBounds } from '../src/bounds/prefixes.ts';
import { certify } from '../src/certificate/certify.ts';
import { verify } from '../src/certificate/verify.ts';
import { certifySamples, localBound } from '../src/certify/certify.ts';
import { createRegionProver } from '../src/certify/proofs/regionProver.ts';
import { difference } from '../src/difference/difference.ts';
import { createEngine } from '../src/engine/create.ts';
import type { Engine } from '../src/engine/engine.ts';
import { loadModel } from '../src/formats/load.ts';
import { sha256 } from '../src/formats/sha256.ts';
import type { Network } from '../src/network/network.ts';

export interface Library {
  readonly load: (bytes: Uint8Array, inputShape: readonly number[] | undefined) => Promise<Network>;
  readonly bound: typeof bound;
  readonly prefixBounds: typeof prefixBounds;
  readonly certify: typeof certify;
  readonly verify: typeof verify;
  readonly localBound: typeof localBound;
  readonly certifySamples: typeof certifySamples;
  readonly createRegionProver: typeof createRegionProver;
  readonly difference: typeof difference;
}

export const LIBRARY: Library = {
  load: async (bytes, inputShape) => {
    // Loading takes the bytes for its own.
    const model = { bytes: new Uint8Array(bytes), sha256: await sha256(bytes) };
    const files = { name: 'attack.onnx', model, beside: () => undefined };
    return loadModel(files, inputShape ? { inputShape } : {});
  },
  bound,
  prefixBounds,
  certify,
  verify,
  localBound,
  certifySamples,
  createRegionProver,
  difference,
};

export type EngineName = 'cpu-wasm' | 'cpu-blas' | 'webgpu';

/** Engines, opened when they are first asked for. */
export class Engines {
  readonly #open = new Map<EngineName, Promise<Engine>>();

  /** Undefined where this machine does not have it. */
  async get(name: EngineName): Promise<Engine | undefined> {
    if (!this.#open.has(name)) this.#open.set(name, createEngine({ engine: name, threads: 1 }));
    return this.#open.get(name)!.catch(() => undefined);
  }

  async close(): Promise<void> {
    for (const opened of this.#open.values()) await (await opened.catch(() => undefined))?.close();
  }
}
