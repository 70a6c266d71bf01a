/** Lipsoid in Node and Deno: networks come as paths. */
export * from './api.ts';
export { type OpenSamples, openSamples, readPoint } from './certify/data/open.node.ts';
export type { LoadOptions } from './formats/format.ts';
export { loadNetwork } from './formats/load.node.ts';
export { type SdpSolution, type SolveOptions, solveSdp } from './sdp/solve.node.ts';
