/** Lipsoid in Node and Deno: networks come as paths. */
export * from './api.ts';
export { loadNetwork } from './formats/load.node.ts';
