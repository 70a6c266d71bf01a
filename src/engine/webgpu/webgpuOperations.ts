/** All operations on a WebGPU device, in float32. */
import type { Name, ParametersIn, ResultIn } from '../operations.ts';
import { add } from './entrywise/add.ts';
import { addDiagonal } from './entrywise/addDiagonal.ts';
import { alias } from './entrywise/alias.ts';
import { aliasAdjoint } from './entrywise/aliasAdjoint.ts';
import { assemble } from './entrywise/assemble.ts';
import { diagonalMatrix } from './entrywise/diagonalMatrix.ts';
import { scaleBatch } from './entrywise/scaleBatch.ts';
import { scaleSides } from './entrywise/scaleSides.ts';
import { submatrix } from './entrywise/submatrix.ts';
import { submatrixAdjoint } from './entrywise/submatrixAdjoint.ts';
import { toComplex } from './entrywise/toComplex.ts';
import type { StoredMatrices, StoredVector } from './memory/stored.ts';
import { absoluteProduct } from './products/absoluteProduct.ts';
import { congruence } from './products/congruence.ts';
import { congruenceAdjoint } from './products/congruenceAdjoint.ts';
import { inverse } from './products/inverse.ts';
import { product } from './products/product.ts';
import { symbol } from './products/symbol.ts';
import { throughSector } from './products/throughSector.ts';
import { windowSum } from './products/windowSum.ts';
import type { Recorder } from './recorder.ts';
import { columnMaximum } from './reductions/columnMaximum.ts';
import { diagonal } from './reductions/diagonal.ts';
import { diagonalSum } from './reductions/diagonalSum.ts';
import { estimatedRadius } from './reductions/estimatedRadius.ts';
import { rowSums } from './reductions/rowSums.ts';
import { rowSumsAdjoint } from './reductions/rowSumsAdjoint.ts';
import { offDiagonalRadius, spectralRadius } from './reductions/spectralRadius.ts';
import * as vectors from './vectors.ts';

interface OnDevice {
  readonly matrices: StoredMatrices;
  readonly vector: StoredVector;
}

export const webgpuOperations: {
  readonly [N in Name]: (
    recorder: Recorder,
    ...parameters: ParametersIn<OnDevice, N>
  ) => ResultIn<OnDevice, N>;
} = {
  absoluteProduct,
  add,
  addDiagonal,
  alias,
  aliasAdjoint,
  assemble,
  columnMaximum,
  congruence,
  congruenceAdjoint,
  diagonal,
  diagonalMatrix,
  diagonalSum,
  estimatedRadius,
  inverse,
  product,
  rowSums,
  rowSumsAdjoint,
  scaleBatch,
  scaleSides,
  offDiagonalRadius,
  spectralRadius,
  submatrix,
  submatrixAdjoint,
  symbol,
  throughSector,
  toComplex,
  windowSum,
  ...vectors,
};
