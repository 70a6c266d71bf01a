/** Which of the library's engines open in this browser. */
import { describeEngine, InputError } from '../../../src/index.browser.ts';
import type { EngineName, EngineOffer } from './protocol.ts';

const NAMES = ['webgpu', 'webgl', 'cpu-wasm'] as const;

export async function engineOffers(): Promise<EngineOffer[]> {
  return Promise.all(NAMES.map(offer));
}

async function offer(name: EngineName): Promise<EngineOffer> {
  try {
    return { name, available: true, description: await describeEngine({ engine: name }) };
  } catch (error) {
    const description = error instanceof InputError ? error.message : String(error);
    return { name, available: false, description };
  }
}
