/** Which of the library's engines open in this browser. */
import { createEngine, InputError } from '../../../src/index.browser.ts';
import type { EngineName, EngineOffer } from './protocol.ts';

const NAMES = ['webgpu', 'webgl', 'cpu-wasm'] as const;

export async function engineOffers(): Promise<EngineOffer[]> {
  const offers = await Promise.all(NAMES.map((name) => offer(name as EngineName)));
  return offers.filter((o) => o !== undefined);
}

/** Undefined for an engine that this version of the library does not have. */
async function offer(name: EngineName): Promise<EngineOffer | undefined> {
  try {
    const engine = await createEngine({ engine: name });
    const { description } = engine.information;
    await engine.close();
    return { name, available: true, description };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    const description = error instanceof InputError ? error.message : String(error);
    return { name, available: false, description };
  }
}
