/** All operations on a WebGPU device, in float32. */
import type { Name, ParametersIn, ResultIn } from '../operations.ts';
import { absoluteProduct } from './operations/absoluteProduct.ts';
import { add } from './operations/add.ts';
import { addDiagonal } from './operations/addDiagonal.ts';
import { alias } from './operations/alias.ts';
import { aliasAdjoint } from './operations/aliasAdjoint.ts';
import { assemble } from './operations/assemble.ts';
import { columnMaximum } from './operations/columnMaximum.ts';
import { congruence } from './operations/congruence.ts';
import { congruenceAdjoint } from './operations/congruenceAdjoint.ts';
import { diagonal } from './operations/diagonal.ts';
import { diagonalMatrix } from './operations/diagonalMatrix.ts';
import { diagonalSum } from './operations/diagonalSum.ts';
import { inverse } from './operations/inverse.ts';
import { product } from './operations/product.ts';
import { rowSums } from './operations/rowSums.ts';
import { rowSumsAdjoint } from './operations/rowSumsAdjoint.ts';
import { scaleBatch } from './operations/scaleBatch.ts';
import { scaleSides } from './operations/scaleSides.ts';
import { offDiagonalRadius, spectralRadius } from './operations/spectralRadius.ts';
import { submatrix } from './operations/submatrix.ts';
import { submatrixAdjoint } from './operations/submatrixAdjoint.ts';
import { symbol } from './operations/symbol.ts';
import { throughSector } from './operations/throughSector.ts';
import { toComplex } from './operations/toComplex.ts';
import * as vectors from './operations/vectors.ts';
import { windowSum } from './operations/windowSum.ts';
import type { Recorder } from './recorder.ts';
import type { StoredMatrices, StoredVector } from './stored.ts';

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
