/**
 * The kernels in OpenBLAS where matrices are large enough to pay for a call each; batches of small ones go to Wasm,
 * a whole batch per call.
 */
import type { Turns } from '../../queued/turns.ts';
import { mirrorLower } from '../dense.ts';
import { type Kernels, type Product, productFlops } from '../kernels.ts';
import { WasmKernels } from '../wasm/kernels.ts';
import type { TeamBlas } from './addresses.ts';
import { type Library, loadLibrary } from './library.ts';

const rowMajor = 101;
const plain = 111;
const transposed = 112;
const conjugateTransposed = 113;
const lowerTriangle = 122;
/** What LAPACK's column-major order calls the upper triangle is the lower one of rows. */
const lowerOfRows = 'U';

/** Operations in one product, and sides of Cholesky, inverse and matrix × vector, from which OpenBLAS is faster (bench/operations.ts). */
const worthProduct = 3e4;
const worthCholesky = 24;
const worthInverse = 16;
const worthVector = 48;
/** Operations from which a call is moved to the background for the event loop's sake: some milliseconds. */
const worthBackground = 1e8;
/** Rows of a lower triangle computed at a time, each band up to the diagonal only. */
const bandRows = 256;

export class BlasKernels implements Kernels {
  readonly name = 'cpu-blas';
  readonly description: string;
  readonly threads: number;
  readonly #library: Library;
  readonly #small: WasmKernels;
  readonly #turns: Turns;

  private constructor(library: Library, small: WasmKernels, threads: number, turns: Turns) {
    this.#library = library;
    this.#small = small;
    this.#turns = turns;
    this.threads = threads;
    this.description = `${library.configuration}, ${threads} thread${threads === 1 ? '' : 's'}; small matrices: Wasm SIMD`;
  }

  /** @throws InputError when OpenBLAS cannot be loaded. */
  static async open(threads: number, turns: Turns): Promise<BlasKernels> {
    const library = await loadLibrary();
    return new BlasKernels(library, await WasmKernels.open(threads, turns), threads, turns);
  }

  /** OpenBLAS for the threads of a team. */
  get byAddress(): TeamBlas | undefined {
    return this.#library.byAddress;
  }

  async product(task: Product, out: Float64Array): Promise<void> {
    const flops = productFlops(task);
    if (flops < worthProduct) return this.#small.product(task, out);
    this.#library.setThreads(this.threads);
    const length = task.m * task.n * (task.complex ? 2 : 1);
    const sameOperand = task.lower && task.a === task.b && task.strideA === task.strideB && !task.adjointA;
    for (let entry = 0; entry < task.batch; entry++) {
      const a = task.a.subarray(entry * task.strideA);
      const b = task.b.subarray(entry * task.strideB);
      const c = out.subarray(entry * length, (entry + 1) * length);
      if (sameOperand) await this.#rankUpdate(task, a, c);
      else if (task.lower) await this.#lowerBands(task, a, b, c);
      else await this.#multiply(task, a, b, c, 0, task.m, task.n);
      await this.#turns.breathe();
    }
  }

  async positiveDefinite(a: Float64Array, batch: number, n: number, complex: boolean): Promise<Uint8Array> {
    if (n < worthCholesky) return this.#small.positiveDefinite(a, batch, n, complex);
    this.#library.setThreads(this.threads);
    const flags = new Uint8Array(batch);
    for (let entry = 0; entry < batch; entry++) {
      flags[entry] = Number(await this.#factor(matrix(a, entry, n, complex), n, complex));
      await this.#turns.breathe();
    }
    return flags;
  }

  async invert(a: Float64Array, batch: number, n: number, complex: boolean): Promise<boolean> {
    if (n < worthInverse) return this.#small.invert(a, batch, n, complex);
    this.#library.setThreads(this.threads);
    const invertFactor = complex ? this.#library.zpotri : this.#library.dpotri;
    const side = Int32Array.of(n);
    for (let entry = 0; entry < batch; entry++) {
      const x = matrix(a, entry, n, complex);
      if (!(await this.#factor(x, n, complex))) return false;
      const status = Int32Array.of(-1);
      await invertFactor(background(n ** 3, complex), lowerOfRows, side, x, side, status, 1n);
      if (status[0] !== 0) return false;
      mirrorLower(x, 1, n, complex);
      await this.#turns.breathe();
    }
    return true;
  }

  async multiplyVector(
    a: Float64Array,
    x: Float64Array,
    y: Float64Array,
    n: number,
    complex: boolean,
  ): Promise<void> {
    if (n < worthVector) return this.#small.multiplyVector(a, x, y, n, complex);
    // It is as fast as memory is, and its digits would depend on the number of threads.
    this.#library.setThreads(1);
    const routine = complex ? this.#library.zhemv : this.#library.dsymv;
    const [one, zero] = complex ? [Float64Array.of(1, 0), Float64Array.of(0, 0)] : [1, 0];
    await routine('blocking', ...[rowMajor, lowerTriangle, n, one, a, n, x, 1, zero, y, 1]);
    await this.#turns.breathe();
  }

  close(): Promise<void> {
    return this.#small.close();
  }

  /** Whether Cholesky ran through. Read by columns, `a` is the conjugate of the Hermitian matrix meant: the same pivots,
   *  and the conjugate of its inverse lands transposed, that is as meant. */
  async #factor(a: Float64Array, n: number, complex: boolean): Promise<boolean> {
    const factor = complex ? this.#library.zpotrf : this.#library.dpotrf;
    const side = Int32Array.of(n);
    const status = Int32Array.of(-1);
    await factor(background(n ** 3 / 6, complex), lowerOfRows, side, a, side, status, 1n);
    if (status[0] !== 0) return false;
    // OpenBLAS reports success past a NaN pivot, so the factor's diagonal has to be looked at.
    return diagonalIsPositive(a, n, complex);
  }

  /** Rows [top, bottom) of op(A) op(B), up to column `columns`. */
  async #multiply(
    task: Product,
    a: Float64Array,
    b: Float64Array,
    c: Float64Array,
    top: number,
    bottom: number,
    columns: number,
  ): Promise<void> {
    const { m, n, k, complex, adjointA, adjointB } = task;
    const width = complex ? 2 : 1;
    const lda = adjointA ? m : k;
    const adjoint = complex ? conjugateTransposed : transposed;
    const one = complex ? Float64Array.of(1, 0) : 1;
    const zero = complex ? Float64Array.of(0, 0) : 0;
    const routine = complex ? this.#library.zgemm : this.#library.dgemm;
    await routine(
      background((bottom - top) * columns * k, complex),
      ...[rowMajor, adjointA ? adjoint : plain, adjointB ? adjoint : plain, bottom - top, columns, k, one],
      ...[a.subarray((adjointA ? top : top * lda) * width), lda, b, adjointB ? k : n, zero],
      ...[c.subarray(top * n * width), n],
    );
  }

  async #lowerBands(task: Product, a: Float64Array, b: Float64Array, c: Float64Array): Promise<void> {
    for (let top = 0; top < task.m; top += bandRows) {
      const bottom = Math.min(task.m, top + bandRows);
      await this.#multiply(task, a, b, c, top, bottom, bottom);
    }
  }

  /** The lower triangle of A Aᴴ. */
  async #rankUpdate(task: Product, a: Float64Array, c: Float64Array): Promise<void> {
    const { m, k, complex } = task;
    const routine = complex ? this.#library.zherk : this.#library.dsyrk;
    await routine(
      background((m * m * k) / 2, complex),
      ...[rowMajor, lowerTriangle, plain, m, k, 1, a, k, 0, c, m],
    );
  }
}

function matrix(a: Float64Array, entry: number, n: number, complex: boolean): Float64Array {
  const length = n * n * (complex ? 2 : 1);
  return a.subarray(entry * length, (entry + 1) * length);
}

/** How to call a routine of that many multiply-adds. */
function background(multiplyAdds: number, complex: boolean): 'blocking' | 'in background' {
  return multiplyAdds * (complex ? 8 : 2) > worthBackground ? 'in background' : 'blocking';
}

function diagonalIsPositive(a: Float64Array, n: number, complex: boolean): boolean {
  const width = complex ? 2 : 1;
  for (let i = 0; i < n; i++) {
    const pivot = a[(i * n + i) * width]!;
    if (!(pivot > 0 && pivot < Number.POSITIVE_INFINITY)) return false;
  }
  return true;
}
