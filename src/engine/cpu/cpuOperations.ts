import type { QueuedOperations } from '../queued/operations.ts';
import { absoluteProduct } from './absoluteProduct.ts';
import { add } from './add.ts';
import { addDiagonal } from './addDiagonal.ts';
import { alias } from './alias.ts';
import { aliasAdjoint } from './aliasAdjoint.ts';
import { assemble } from './assemble.ts';
import { columnMaximum } from './columnMaximum.ts';
import { congruence } from './congruence.ts';
import { congruenceAdjoint } from './congruenceAdjoint.ts';
import { diagonal } from './diagonal.ts';
import { diagonalMatrix } from './diagonalMatrix.ts';
import { diagonalSum } from './diagonalSum.ts';
import { inverse } from './inverse.ts';
import type { Kernels } from './kernels.ts';
import { product } from './product.ts';
import { rowSums } from './rowSums.ts';
import { rowSumsAdjoint } from './rowSumsAdjoint.ts';
import { scaleBatch } from './scaleBatch.ts';
import { scaleSides } from './scaleSides.ts';
import { offDiagonalRadius, spectralRadius } from './spectralRadius.ts';
import { submatrix } from './submatrix.ts';
import { submatrixAdjoint } from './submatrixAdjoint.ts';
import { symbol } from './symbol.ts';
import { throughSector } from './throughSector.ts';
import { toComplex } from './toComplex.ts';
import * as vectors from './vectors.ts';
import { windowSum } from './windowSum.ts';

/** All operations in float64, their O(n³) part done by `kernels`. */
export function cpuOperations(kernels: Kernels): QueuedOperations {
  return {
    symbol: (taps, phases) => symbol(kernels, taps, phases),
    product: (a, b, options) => product(kernels, a, b, options),
    congruence: (w, q) => congruence(kernels, w, q),
    congruenceAdjoint: (w, g) => congruenceAdjoint(kernels, w, g),
    windowSum: (w, q, weights) => windowSum(kernels, w, q, weights),
    spectralRadius: (s) => spectralRadius(kernels, s),
    offDiagonalRadius: (s) => offDiagonalRadius(kernels, s),
    inverse: (d, s) => inverse(kernels, d, s),
    ...{ alias, add, submatrix, assemble, scaleSides, rowSums, diagonal, throughSector, diagonalMatrix },
    ...{ aliasAdjoint, scaleBatch, toComplex, submatrixAdjoint, rowSumsAdjoint, diagonalSum },
    ...{ absoluteProduct, columnMaximum, addDiagonal },
    ...vectors,
  };
}
