/** Lipsoid in a browser: networks come as files that a person chose, nothing is fetched or sent. */
export * from './api.ts';
export { openSamples, type SampleFile } from './certify/data/open.browser.ts';
export { loadNetwork, outline, type PageLoadOptions as LoadOptions } from './formats/load.browser.ts';
export type { OutlinedNode } from './formats/onnx/outline.ts';
