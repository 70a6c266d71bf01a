/** Lipsoid in Node and Deno: networks come as paths, and as everything that they come as in a browser. */
export * from './api.ts';
export { type OpenSamples, openSamples } from './certify/data/open.node.ts';
export type { ArchitectureProposal, Description } from './formats/describe.ts';
export type { FixedInput, LoadOptions, Units } from './formats/format.ts';
export type { Given } from './formats/given.ts';
export { describeWeights, loadNetwork } from './formats/load.node.ts';
