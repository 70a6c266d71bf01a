/** Weights with an architecture in JSON among the formats. */
import type { Format } from '../format.ts';
import { ARCHITECTURE_NAME } from './questions.ts';

/** Bytes in which a file says what it is. */
const START = 4096;

function startOf(bytes: Uint8Array): string {
  return bytes[0] === 0x7b ? new TextDecoder('latin1').decode(bytes.subarray(0, START)) : '';
}

export const ARCHITECTURE: Format = {
  name: 'architecture in JSON',
  ending: /\.json$/i,
  begins: (bytes) => startOf(bytes).includes(`"${ARCHITECTURE_NAME}"`),
  options: ['inputShape'],
  async read(bytes, file, external, { inputShape }) {
    const { readArchitecture } = await import('./read.ts');
    return readArchitecture(bytes, file, external, inputShape);
  },
};
