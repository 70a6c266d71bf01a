import type { QueuedOperations } from '../queued/operations.ts';
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
import type { Kernels } from './kernels.ts';
import { absoluteProduct } from './products/absoluteProduct.ts';
import { congruence } from './products/congruence.ts';
import { congruenceAdjoint } from './products/congruenceAdjoint.ts';
import { inverse } from './products/inverse.ts';
import { product } from './products/product.ts';
import { symbol } from './products/symbol.ts';
import { throughSector } from './products/throughSector.ts';
import { windowSum } from './products/windowSum.ts';
import { columnMaximum } from './reductions/columnMaximum.ts';
import { diagonal } from './reductions/diagonal.ts';
import { diagonalSum } from './reductions/diagonalSum.ts';
import { rowSums } from './reductions/rowSums.ts';
import { rowSumsAdjoint } from './reductions/rowSumsAdjoint.ts';
import { offDiagonalRadius, spectralRadius } from './reductions/spectralRadius.ts';
import * as vectors from './vectors.ts';

/** All operations in float64, their O(n³) part done by `kernels`. */
export function cpuOperations(kernels: Kernels): QueuedOperations {
  return {
    symbol: (taps, phases, rows, columns, frame) => symbol(kernels, taps, phases, rows, columns, frame),
    product: (a, b, options) => product(kernels, a, b, options),
    congruence: (w, q) => congruence(kernels, w, q),
    congruenceAdjoint: (w, g) => congruenceAdjoint(kernels, w, g),
    windowSum: (w, q, weights) => windowSum(kernels, w, q, weights),
    spectralRadius: (s) => spectralRadius(kernels, s),
    estimatedRadius: (s) => spectralRadius(kernels, s),
    offDiagonalRadius: (s) => offDiagonalRadius(kernels, s),
    inverse: (d, s) => inverse(kernels, d, s),
    ...{ alias, add, submatrix, assemble, scaleSides, rowSums, diagonal, throughSector, diagonalMatrix },
    ...{ aliasAdjoint, scaleBatch, toComplex, submatrixAdjoint, rowSumsAdjoint, diagonalSum },
    ...{ absoluteProduct, columnMaximum, addDiagonal },
    ...vectors,
  };
}
