/** Lipsoid in a browser: networks come as files that a person chose, as bytes, or from a URL that a script gives. */
export * from './api.ts';
export { openSamples, type SampleFile } from './certify/data/open.browser.ts';
export type { ArchitectureProposal, Description } from './formats/describe.ts';
export type { FixedInput, LoadOptions, Units } from './formats/format.ts';
export type { Given } from './formats/given.ts';
export { describeWeights, loadNetwork, outline } from './formats/load.browser.ts';
export type { OutlinedNode } from './formats/onnx/outline.ts';
