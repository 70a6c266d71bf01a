/** What only Node and Deno have, beside all that `lipsoid` has there: files of points and arrays, and solvers to start. */
export { type NumberArray, readArray, readPoint } from './certify/data/open.node.ts';
export * from './index.ts';
export { type SdpSolution, type SolveOptions, solveSdp } from './sdp/solve.node.ts';
