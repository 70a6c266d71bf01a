/** What the Wasm module offers; called through `perform.ts` and, where threads share memory, `../../shared/kernels.ts`. */
export { cholesky } from './cholesky';
export { congruence, congruenceAdjoint } from './congruence';
export {
  add, addDiagonal, alias, aliasAdjoint, assemble, clear, interleave, mirror, scale, scaleBatch, scaleSides, shifted,
  sideBySide, split, submatrix, submatrixAdjoint, throughSector, toComplex,
} from './entrywise';
export { inverse } from './inverse';
export { heapBase, SCRATCH_BYTES, setScratch } from './memory';
export { product, productRows } from './product';
export { absoluteProduct, diagonals, largestPart, positiveDiagonal, profile, rowSums } from './reductions';
