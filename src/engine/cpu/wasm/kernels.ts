/**
 * The kernels in Wasm: cuts batches and large products into calls that bound the Wasm memory and can run side by side.
 * How the work is cut changes no result: an entry of a product is one sum over k in one order.
 */
import type { Turns } from '../../queued/turns.ts';
import { type Kernels, type Product, productFlops } from '../kernels.ts';
import { multiplyVector } from '../matrixVector.ts';
import type { Call } from './perform.ts';
import { Pool } from './pool.ts';

/** Below this the way to a worker and back costs more than it saves. */
const worthSharing = 8e6;
/** Operations and doubles in one call: some 20 ms, and 32 MiB unless a single matrix takes more. */
const callFlops = 2e8;
const callDoubles = 2 ** 22;
/** Rows of a product are cut at multiples of this, a multiple of the register tile. */
const rowGrain = 32;

/** One piece of a larger task: a call and where its results belong. */
interface Piece {
  readonly call: () => Call;
  readonly collect: (results: Float64Array[]) => void;
}

export class WasmKernels implements Kernels {
  readonly name = 'cpu-wasm';
  readonly description: string;
  readonly threads: number;
  readonly #pool: Pool;
  readonly #turns: Turns;

  private constructor(pool: Pool, turns: Turns) {
    this.#pool = pool;
    this.#turns = turns;
    this.threads = pool.threads;
    this.description = `Wasm SIMD, ${pool.threads} thread${pool.threads === 1 ? '' : 's'}`;
  }

  static async open(threads: number, turns: Turns): Promise<WasmKernels> {
    return new WasmKernels(await Pool.open(threads), turns);
  }

  async product(task: Product, out: Float64Array): Promise<void> {
    const flops = productFlops(task);
    const doubles = task.m * task.k + task.k * task.n + task.m * task.n;
    const perCall = this.#entriesPerCall(task.batch, flops, task.complex ? 2 * doubles : doubles);
    const rowCuts = perCall === 1 ? this.#rowCuts(task, flops) : 1;
    const pieces = rowCuts > 1 ? rowPieces(task, out, rowCuts) : batchPieces(task, out, perCall);
    await this.#run(pieces, flops * task.batch);
  }

  async positiveDefinite(a: Float64Array, batch: number, n: number, complex: boolean): Promise<Uint8Array> {
    const flags = new Uint8Array(batch);
    const length = n * n * (complex ? 2 : 1);
    const flops = (n ** 3 / 3) * (complex ? 4 : 1);
    const pieces = spans(batch, this.#entriesPerCall(batch, flops, length)).map(([start, end]): Piece => {
      return {
        call: () => ({
          entry: 'cholesky',
          regions: [a.subarray(start * length, end * length), end - start],
          scalars: [end - start, n, Number(complex)],
          results: [1],
        }),
        collect: ([found]) => flags.set(found!, start),
      };
    });
    await this.#run(pieces, flops * batch);
    return flags;
  }

  async invert(a: Float64Array, batch: number, n: number, complex: boolean): Promise<boolean> {
    const width = complex ? 2 : 1;
    const length = n * n * width;
    const work = Math.max(Math.ceil(n / 2) + 3, 64) * n * width;
    const flops = n ** 3 * 2 * (complex ? 4 : 1);
    let definite = true;
    const pieces = spans(batch, this.#entriesPerCall(batch, flops, length)).map(([start, end]): Piece => {
      return {
        call: () => ({
          entry: 'inverse',
          regions: [a.subarray(start * length, end * length), end - start, work],
          scalars: [end - start, n, Number(complex)],
          results: [0, 1],
        }),
        collect: ([inverses, flags]) => {
          a.set(inverses!, start * length);
          if (flags!.some((flag) => flag !== 1)) definite = false;
        },
      };
    });
    await this.#run(pieces, flops * batch);
    return definite;
  }

  /** In JavaScript: the way into the module's memory would take as long. */
  async multiplyVector(
    a: Float64Array,
    x: Float64Array,
    y: Float64Array,
    n: number,
    complex: boolean,
  ): Promise<void> {
    multiplyVector(a, x, y, n, complex);
    await this.#turns.breathe();
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  /** As many as one call may hold, but no fewer calls than threads where there is enough to do. */
  #entriesPerCall(batch: number, flops: number, doubles: number): number {
    const share = flops * batch > worthSharing ? Math.ceil(batch / this.threads) : batch;
    return Math.max(1, Math.min(share, Math.floor(callFlops / flops), Math.floor(callDoubles / doubles)));
  }

  /** Into how many pieces each product of the batch is cut by rows. */
  #rowCuts(task: Product, flops: number): number {
    const forThreads = flops > worthSharing && task.batch < this.threads ? this.threads : 1;
    return Math.min(Math.ceil(task.m / rowGrain), Math.max(forThreads, Math.ceil(flops / callFlops)));
  }

  async #run(pieces: readonly Piece[], flops: number): Promise<void> {
    if (this.threads > 1 && pieces.length > 1 && flops > worthSharing) {
      await this.#pool.spread(
        pieces.length,
        (index) => {
          this.#turns.check();
          return pieces[index]!.call();
        },
        (index, results) => pieces[index]!.collect(results),
      );
      return;
    }
    for (const piece of pieces) {
      piece.collect(this.#pool.here(piece.call()));
      await this.#turns.breathe();
    }
  }
}

/** [0, count) in consecutive spans of at most `step`. */
function spans(count: number, step: number): [start: number, end: number][] {
  const list: [number, number][] = [];
  for (let start = 0; start < count; start += step) list.push([start, Math.min(count, start + step)]);
  return list;
}

function batchPieces(task: Product, out: Float64Array, perCall: number): Piece[] {
  const { m, n, k, complex, strideA, strideB } = task;
  const width = complex ? 2 : 1;
  const span = (data: Float64Array, stride: number, length: number, start: number, end: number) =>
    stride === 0 ? data.subarray(0, length) : data.subarray(start * stride, end * stride);
  return spans(task.batch, perCall).map(([start, end]) => ({
    call: () => ({
      entry: 'product',
      regions: [
        span(task.a, strideA, m * k * width, start, end),
        span(task.b, strideB, k * n * width, start, end),
        (end - start) * m * n * width,
      ],
      scalars: [
        end - start,
        strideA,
        strideB,
        m,
        n,
        k,
        ...[complex, task.adjointA, task.adjointB, task.lower].map(Number),
      ],
      results: [2],
    }),
    collect: ([product]) => out.set(product!, start * m * n * width),
  }));
}

/** Each product of the batch cut into `cuts` bands of rows; of a lower triangle a band is cut off at the diagonal. */
function rowPieces(task: Product, out: Float64Array, cuts: number): Piece[] {
  const { m, n, k, complex, adjointA, adjointB, lower } = task;
  const width = complex ? 2 : 1;
  const bands = rowBands(m, cuts, lower);
  const pieces: Piece[] = [];
  /** What the first columns of a product need of B. */
  const firstColumns = (b: Float64Array, columns: number) => {
    if (columns === n) return b;
    return adjointB ? b.subarray(0, columns * k * width) : columnBand(b, k, n * width, 0, columns * width);
  };
  for (let entry = 0; entry < task.batch; entry++) {
    const a = task.a.subarray(entry * task.strideA, entry * task.strideA + m * k * width);
    const b = task.b.subarray(entry * task.strideB, entry * task.strideB + k * n * width);
    for (const [start, end] of bands) {
      const columns = lower ? end : n;
      const rows = end - start;
      pieces.push({
        call: () => ({
          entry: 'product',
          regions: [
            adjointA
              ? columnBand(a, k, m * width, start * width, end * width)
              : a.subarray(start * k * width, end * k * width),
            firstColumns(b, columns),
            rows * columns * width,
          ],
          scalars: [1, 0, 0, rows, columns, k, ...[complex, adjointA, adjointB, false].map(Number)],
          results: [2],
        }),
        collect: ([band]) => {
          for (let r = 0; r < rows; r++) {
            const row = band!.subarray(r * columns * width, (r + 1) * columns * width);
            out.set(row, (entry * m + start + r) * n * width);
          }
        },
      });
    }
  }
  return pieces;
}

/** Cuts m rows into bands of about equal work: equal heights, or for a lower triangle equal areas. */
function rowBands(m: number, cuts: number, lower: boolean): [start: number, end: number][] {
  const bands: [number, number][] = [];
  let start = 0;
  for (let cut = 1; cut <= cuts; cut++) {
    const share = lower ? Math.sqrt(cut / cuts) : cut / cuts;
    const end = cut === cuts ? m : Math.min(m, Math.round((share * m) / rowGrain) * rowGrain);
    if (end > start) bands.push([start, end]);
    start = Math.max(start, end);
  }
  return bands;
}

/** Columns [start, end) of a row-major matrix of `rows` rows of `length` doubles. */
function columnBand(a: Float64Array, rows: number, length: number, start: number, end: number): Float64Array {
  const band = new Float64Array(rows * (end - start));
  for (let r = 0; r < rows; r++) {
    band.set(a.subarray(r * length + start, r * length + end), r * (end - start));
  }
  return band;
}
