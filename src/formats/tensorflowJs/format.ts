/** TensorFlow.js's `model.json` among the formats; its weights lie beside it. */
import type { Format } from '../format.ts';

/** Bytes in which a file says what it is. */
const START = 4096;

export const TENSORFLOW_JS: Format = {
  name: 'TensorFlow.js',
  ending: /\.json$/i,
  begins: (bytes) =>
    bytes[0] === 0x7b &&
    /"(modelTopology|weightsManifest)"/.test(new TextDecoder('latin1').decode(bytes.subarray(0, START))),
  options: ['inputShape'],
  async read(bytes, file, external, { inputShape }) {
    const { readTensorFlowJs } = await import('./read.ts');
    return readTensorFlowJs(bytes, file, external, inputShape);
  },
};
