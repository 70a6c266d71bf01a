/**
 * An engine that computes nothing: it knows the shapes of handles and counts the bytes that they would hold, in float64 as on an
 * engine on the CPU or in float32 as on a GPU. What runs on it shows what it would keep in memory, in no time and without the memory.
 *
 * As there, data handed over exists from the moment of the call, results from the moment that what was recorded is run.
 */
import { totalLength } from '../../src/engine/cpu/dense.ts';
import type {
  Data,
  Engine,
  EngineInformation,
  Handle,
  Matrices,
  ProductOptions,
  Ranges,
  Vector,
} from '../../src/engine/engine.ts';
import * as shapes from '../../src/engine/shapes.ts';

type Shape = Omit<Matrices, 'kind'>;

const numbersOf = (handle: Handle | Shape) => ('length' in handle ? handle.length : totalLength(handle));

export class CountingEngine implements Engine {
  readonly information: EngineInformation;
  readonly #bytesPerNumber: 4 | 8;
  readonly #queue: (() => void)[] = [];
  #live = 0;
  /** Most bytes since creation: in handles, and in handles and the operation at work. */
  #peak = 0;
  #working = 0;

  constructor(bytesPerNumber: 4 | 8 = 8) {
    this.#bytesPerNumber = bytesPerNumber;
    const unitRoundoff = bytesPerNumber === 4 ? 2 ** -23 : 2 ** -53;
    this.information = { name: 'counting', description: 'shapes alone', unitRoundoff, threads: 1 };
  }

  get peakBytes(): number {
    return this.#peak;
  }

  /** Most bytes in handles and in what operations hold while they work, since the last call. */
  takeWorkingBytes(): number {
    const most = this.#working;
    this.#working = this.#live;
    return most;
  }

  /** Bytes in handles at present. */
  get liveBytes(): number {
    return this.#live;
  }

  // ---- data in and out ------------------------------------------------------------------------

  matrices(data: Data, batch: number, rows: number, columns: number, complex: boolean): Matrices {
    const shape = { batch, rows, columns, complex };
    if (typeof data === 'function') return this.#made(shape);
    this.#hold(shapes.dataLength(shape, data));
    return { kind: 'matrices', ...shape };
  }

  vector(data: ArrayLike<number>): Vector {
    const handle: Vector = { kind: 'vector', length: data.length };
    this.#hold(numbersOf(handle));
    return handle;
  }

  async read(...handles: Handle[]): Promise<Float64Array[]> {
    await this.settle();
    return handles.map((handle) => new Float64Array(numbersOf(handle)).fill(1));
  }

  async settle(): Promise<void> {
    for (const work of this.#queue.splice(0)) work();
  }

  release(...handles: Handle[]): void {
    this.#queue.push(() => {
      for (const handle of handles) this.#live -= this.#bytesPerNumber * numbersOf(handle);
    });
  }

  async close(): Promise<void> {}

  // ---- matrices -------------------------------------------------------------------------------

  symbol(taps: Matrices, phases: Matrices, rows: number, columns: number): Matrices {
    const shape = shapes.symbolShape(taps, phases, rows, columns);
    // Real and imaginary parts are computed apart, then interleaved.
    return this.#made(shape, this.#onGpu ? 0 : numbersOf(shape));
  }

  product(a: Matrices, b: Matrices, options: ProductOptions = {}): Matrices {
    return this.#made(shapes.productShape(a, b, options));
  }

  congruence(w: Matrices, q?: Matrices | Vector): Matrices {
    return this.#made(shapes.congruenceShape('congruence', w, q), half(w, q));
  }

  congruenceAdjoint(w: Matrices, g: Matrices): Matrices {
    return this.#made(shapes.congruenceAdjointShape(w, g), half(w, g));
  }

  alias(s: Matrices, count: number): Matrices {
    return this.#made(shapes.aliasShape(s, count));
  }

  aliasAdjoint(g: Matrices, count: number): Matrices {
    return this.#made(shapes.aliasAdjointShape(g, count));
  }

  scaleBatch(a: Matrices, factors: Vector): Matrices {
    return this.#made(shapes.scaleBatchShape(a, factors));
  }

  toComplex(a: Matrices): Matrices {
    return this.#made({ ...a, complex: true });
  }

  windowSum(w: Matrices, q: Matrices | Vector | undefined, weights: Vector): Matrices {
    return this.#made(shapes.windowSumShape(w, q, weights), half(w, q));
  }

  windowSumOperations({ columns }: Matrices, batch: number): number {
    return 2 * columns * batch;
  }

  add(a: Matrices, b: Matrices): Matrices {
    return this.#made(shapes.addShape(a, b));
  }

  submatrix(a: Matrices, rows: Ranges, columns: Ranges): Matrices {
    return this.#made(shapes.submatrixShape(a, rows, columns));
  }

  submatrixAdjoint(a: Matrices, ranges: Ranges, size: number): Matrices {
    return this.#made(shapes.submatrixAdjointShape(a, ranges, size));
  }

  assemble(a: Matrices, b: Matrices, c: Matrices): Matrices {
    return this.#made(shapes.assembleShape(a, b, c));
  }

  scaleSides(a: Matrices, left: Vector | undefined, right: Vector | undefined): Matrices {
    return this.#made(shapes.scaleSidesShape(a, left, right));
  }

  rowSumsAdjoint(s: Matrices, sums: Vector, coefficients: Vector): Matrices {
    return this.#made(shapes.rowSumsAdjointShape(s, sums, coefficients));
  }

  inverse(d: Vector, s: Matrices): { inverse: Matrices; definite: Vector } {
    // The strips that blocks are eliminated with.
    const strips = 2 * 16 * s.rows + 16 * 16;
    const within = this.#onGpu ? s.batch * strips * (s.complex ? 2 : 1) : 0;
    return { inverse: this.#made(shapes.inverseShape(d, s), within), definite: this.#number() };
  }

  throughSector(r: Matrices, left: Vector, subtract: Vector | undefined): Matrices {
    return this.#made(shapes.throughSectorShape(r, left, subtract));
  }

  diagonalMatrix(d: Vector, complex: boolean): Matrices {
    return this.#made({ batch: 1, rows: d.length, columns: d.length, complex });
  }

  // ---- vectors --------------------------------------------------------------------------------

  absoluteProduct(
    a: Matrices,
    x: Matrices | Vector,
    options: { readonly adjoint?: boolean; readonly plus?: Vector } = {},
  ): Matrices {
    return this.#made(shapes.absoluteProductShape(a, x, options));
  }

  columnMaximum(x: Matrices): Vector {
    return this.#madeVector(x.rows);
  }

  addDiagonal(s: Matrices, d: Vector): Matrices {
    return this.#made(shapes.addDiagonalShape(s, d));
  }

  rowSums(s: Matrices): Vector {
    return this.#madeVector(s.rows);
  }

  diagonalSum(a: Matrices): Vector {
    return this.#madeVector(a.rows);
  }

  diagonal(s: Matrices): Vector {
    return this.#madeVector(s.rows);
  }

  spectralRadius(s: Matrices): Vector {
    return this.#radius(s);
  }

  offDiagonalRadius(s: Matrices): Vector {
    return this.#radius(s);
  }

  combine(terms: readonly (readonly [coefficient: number, vector: Vector])[]): Vector {
    return this.#common(...terms.map(([, vector]) => vector));
  }

  multiply(a: Vector, b: Vector): Vector {
    return this.#common(a, b);
  }

  maximum(a: Vector, b: Vector): Vector {
    return this.#common(a, b);
  }

  reciprocal(a: Vector): Vector {
    return this.#common(a);
  }

  squareRoot(a: Vector): Vector {
    return this.#common(a);
  }

  maximumOver(_a: Vector, windows: readonly Int32Array[]): Vector {
    return this.#madeVector(windows.length);
  }

  sumOver(_a: Vector, windows: readonly Int32Array[]): Vector {
    return this.#madeVector(windows.length);
  }

  largest(): Vector {
    return this.#number();
  }

  exponent(): Vector {
    return this.#number();
  }

  scaleByPower<H extends Handle>(a: H): H {
    const handle: H = { ...a };
    this.#record(numbersOf(handle));
    return handle;
  }

  choose(scores: readonly Vector[], candidates: readonly Vector[]): Vector {
    return this.#madeVector(shapes.chooseLength(scores, candidates));
  }

  // ---- counting -------------------------------------------------------------------------------

  /** @param within numbers that the operation holds beside its operands and its result. */
  #made({ batch, rows, columns, complex }: Shape, within = 0): Matrices {
    const handle: Matrices = { kind: 'matrices', batch, rows, columns, complex };
    this.#record(numbersOf(handle), within);
    return handle;
  }

  #madeVector(length: number): Vector {
    const handle: Vector = { kind: 'vector', length };
    this.#record(numbersOf(handle));
    return handle;
  }

  #number(): Vector {
    return this.#madeVector(1);
  }

  #common(...vectors: Vector[]): Vector {
    return this.#madeVector(shapes.commonLength('counting', vectors));
  }

  /** Two powers, where they are squared on a GPU. The engines on the CPU cut the copies that they factor to 32 MiB: as nothing. */
  #radius(s: Matrices): Vector {
    const handle: Vector = { kind: 'vector', length: 1 };
    this.#record(1, this.#onGpu ? 2 * numbersOf(s) : 0);
    return handle;
  }

  get #onGpu(): boolean {
    return this.#bytesPerNumber === 4;
  }

  #record(numbers: number, within = 0): void {
    this.#queue.push(() => this.#hold(numbers, within));
  }

  #hold(numbers: number, within = 0): void {
    this.#live += this.#bytesPerNumber * numbers;
    this.#peak = Math.max(this.#peak, this.#live);
    this.#working = Math.max(this.#working, this.#live + this.#bytesPerNumber * within);
  }
}

/** Numbers of W Q, the left half of W Q Wᴴ. */
function half(w: Matrices, q: Matrices | Vector | undefined): number {
  if (q === undefined) return 0;
  const batch = q.kind === 'matrices' ? Math.max(w.batch, q.batch) : w.batch;
  return numbersOf({ ...w, batch });
}
