/** What the Wasm module offers; called through `perform.ts`. */
export { cholesky } from './cholesky';
export { inverse } from './inverse';
export { product } from './product';

/** First byte of memory that the module does not use itself. */
export const heapBase: usize = __heap_base;
