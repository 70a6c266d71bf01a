/** An `Engine` in float32 on WebGPU: checks shapes, keeps what handles stand for, records. */
import { InputError } from '../../errors.ts';
import type { Shape } from '../cpu/dense.ts';
import type {
  Data,
  Engine,
  EngineInformation,
  Handle,
  Matrices,
  ProductOptions,
  Ranges,
  Vector,
} from '../engine.ts';
import * as shapes from '../shapes.ts';
import type { Device } from './device.ts';
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
import { windowSum, windowSumOperations } from './operations/windowSum.ts';
import { readBack } from './readBack.ts';
import { Recorder } from './recorder.ts';
import type { StoredMatrices, StoredVector } from './stored.ts';
import { Timeline } from './timeline.ts';

/** Data with fewer numbers goes to the device when it is recorded, even where it may come later: later is a submission of its own. */
const mostNumbersAtOnce = 2 ** 16;

/** What a handle stands for. */
interface Holding {
  /** Operation that made it, for messages. */
  readonly origin: string;
  readonly stored: StoredMatrices | StoredVector;
  released: boolean;
}

export class WebGpuEngine implements Engine {
  readonly information: EngineInformation;
  readonly #timeline: Timeline;
  readonly #recorder: Recorder;
  readonly #holdings = new WeakMap<Handle, Holding>();
  #closed = false;

  /** @param device is closed with the engine. */
  constructor(device: Device, description: string) {
    this.information = { name: 'webgpu', description, unitRoundoff: 2 ** -23, threads: 1 };
    this.#timeline = new Timeline(device);
    this.#recorder = new Recorder(this.#timeline);
  }

  get peakBytes(): number {
    return this.#timeline.arena.peakBytes;
  }

  // ---- data in and out ------------------------------------------------------------------------

  /** @throws InputError for numbers beyond the range of float32. */
  matrices(data: Data, batch: number, rows: number, columns: number, complex: boolean): Matrices {
    this.#assertOpen('matrices');
    const shape: Shape = { batch, rows, columns, complex };
    const length = shapes.dataLength(shape, typeof data === 'function' ? undefined : data);
    const make = () => {
      const made = typeof data === 'function' ? data() : data;
      shapes.dataLength(shape, made);
      return single('matrices', made);
    };
    const later = typeof data === 'function' && length > mostNumbersAtOnce;
    const stored = later ? this.#recorder.uploadedLater(shape, make) : this.#recorder.uploaded(shape, make());
    return this.#heldMatrices('matrices', stored);
  }

  /** @throws InputError for numbers beyond the range of float32. */
  vector(data: ArrayLike<number>): Vector {
    this.#assertOpen('vector');
    shapes.checkDimension('vector', 'length', data.length);
    return this.#heldVector('vector', this.#recorder.uploadedVector(single('vector', data)));
  }

  async read(...handles: Handle[]): Promise<Float64Array[]> {
    return readBack(
      this.#timeline,
      handles.map((handle) => this.#stored('read', handle)),
    );
  }

  async settle(signal?: AbortSignal): Promise<void> {
    this.#assertOpen('settle');
    await this.#timeline.run('submitted', signal);
  }

  release(...handles: Handle[]): void {
    for (const handle of handles) {
      const holding = this.#holding('release', handle);
      holding.released = true;
      this.#recorder.free(holding.stored);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#timeline.close();
  }

  // ---- symbols and products -------------------------------------------------------------------

  symbol(taps: Matrices, phases: Matrices, rows: number, columns: number): Matrices {
    shapes.symbolShape(taps, phases, rows, columns);
    const t = this.#matrices('symbol', taps);
    const p = this.#matrices('symbol', phases);
    return this.#heldMatrices('symbol', symbol(this.#recorder, t, p, rows, columns));
  }

  product(a: Matrices, b: Matrices, options: ProductOptions = {}): Matrices {
    shapes.productShape(a, b, options);
    const x = this.#matrices('product', a);
    const y = this.#matrices('product', b);
    return this.#heldMatrices('product', product(this.#recorder, x, y, options));
  }

  congruence(w: Matrices, q?: Matrices | Vector): Matrices {
    shapes.congruenceShape('congruence', w, q);
    const x = this.#matrices('congruence', w);
    const y = q && this.#stored('congruence', q);
    return this.#heldMatrices('congruence', congruence(this.#recorder, x, y));
  }

  congruenceAdjoint(w: Matrices, g: Matrices): Matrices {
    shapes.congruenceAdjointShape(w, g);
    const x = this.#matrices('congruenceAdjoint', w);
    const y = this.#matrices('congruenceAdjoint', g);
    return this.#heldMatrices('congruenceAdjoint', congruenceAdjoint(this.#recorder, x, y));
  }

  alias(s: Matrices, count: number): Matrices {
    shapes.aliasShape(s, count);
    return this.#heldMatrices('alias', alias(this.#recorder, this.#matrices('alias', s), count));
  }

  aliasAdjoint(g: Matrices, count: number): Matrices {
    shapes.aliasAdjointShape(g, count);
    const x = this.#matrices('aliasAdjoint', g);
    return this.#heldMatrices('aliasAdjoint', aliasAdjoint(this.#recorder, x, count));
  }

  scaleBatch(a: Matrices, factors: Vector): Matrices {
    shapes.scaleBatchShape(a, factors);
    const x = this.#matrices('scaleBatch', a);
    const f = this.#vector('scaleBatch', factors);
    return this.#heldMatrices('scaleBatch', scaleBatch(this.#recorder, x, f));
  }

  toComplex(a: Matrices): Matrices {
    const x = this.#matrices('toComplex', a);
    return this.#heldMatrices('toComplex', toComplex(this.#recorder, x));
  }

  windowSum(w: Matrices, q: Matrices | Vector | undefined, weights: Vector): Matrices {
    shapes.windowSumShape(w, q, weights);
    const x = this.#matrices('windowSum', w);
    const y = q && this.#stored('windowSum', q);
    const v = this.#vector('windowSum', weights);
    return this.#heldMatrices('windowSum', windowSum(this.#recorder, x, y, v));
  }

  windowSumOperations(w: Matrices, batch: number): number {
    return windowSumOperations(this.#recorder, w, batch);
  }

  add(a: Matrices, b: Matrices): Matrices {
    shapes.addShape(a, b);
    const x = this.#matrices('add', a);
    const y = this.#matrices('add', b);
    return this.#heldMatrices('add', add(this.#recorder, x, y));
  }

  submatrix(a: Matrices, rows: Ranges, columns: Ranges): Matrices {
    shapes.submatrixShape(a, rows, columns);
    const x = this.#matrices('submatrix', a);
    return this.#heldMatrices('submatrix', submatrix(this.#recorder, x, rows, columns));
  }

  submatrixAdjoint(a: Matrices, ranges: Ranges, size: number): Matrices {
    shapes.submatrixAdjointShape(a, ranges, size);
    const x = this.#matrices('submatrixAdjoint', a);
    return this.#heldMatrices('submatrixAdjoint', submatrixAdjoint(this.#recorder, x, ranges, size));
  }

  assemble(a: Matrices, b: Matrices, c: Matrices): Matrices {
    shapes.assembleShape(a, b, c);
    const x = this.#matrices('assemble', a);
    const y = this.#matrices('assemble', b);
    const z = this.#matrices('assemble', c);
    return this.#heldMatrices('assemble', assemble(this.#recorder, x, y, z));
  }

  scaleSides(a: Matrices, left: Vector | undefined, right: Vector | undefined): Matrices {
    shapes.scaleSidesShape(a, left, right);
    const x = this.#matrices('scaleSides', a);
    const l = left && this.#vector('scaleSides', left);
    const r = right && this.#vector('scaleSides', right);
    return this.#heldMatrices('scaleSides', scaleSides(this.#recorder, x, l, r));
  }

  // ---- reductions -----------------------------------------------------------------------------

  absoluteProduct(
    a: Matrices,
    x: Matrices | Vector,
    options: { readonly adjoint?: boolean; readonly plus?: Vector } = {},
  ): Matrices {
    shapes.absoluteProductShape(a, x, options);
    const left = this.#matrices('absoluteProduct', a);
    const right =
      x.kind === 'vector' ? this.#vector('absoluteProduct', x) : this.#matrices('absoluteProduct', x);
    const plus = options.plus && this.#vector('absoluteProduct', options.plus);
    const out = absoluteProduct(this.#recorder, left, right, options.adjoint ?? false, plus);
    return this.#heldMatrices('absoluteProduct', out);
  }

  columnMaximum(x: Matrices): Vector {
    shapes.checkColumns('columnMaximum', x);
    return this.#heldVector(
      'columnMaximum',
      columnMaximum(this.#recorder, this.#matrices('columnMaximum', x)),
    );
  }

  addDiagonal(s: Matrices, d: Vector): Matrices {
    shapes.addDiagonalShape(s, d);
    const x = this.#matrices('addDiagonal', s);
    const y = this.#vector('addDiagonal', d);
    return this.#heldMatrices('addDiagonal', addDiagonal(this.#recorder, x, y));
  }

  rowSums(s: Matrices): Vector {
    shapes.checkSquare('rowSums', 'S', s);
    return this.#heldVector('rowSums', rowSums(this.#recorder, this.#matrices('rowSums', s)));
  }

  rowSumsAdjoint(s: Matrices, sums: Vector, coefficients: Vector): Matrices {
    shapes.rowSumsAdjointShape(s, sums, coefficients);
    const x = this.#matrices('rowSumsAdjoint', s);
    const r = this.#vector('rowSumsAdjoint', sums);
    const c = this.#vector('rowSumsAdjoint', coefficients);
    return this.#heldMatrices('rowSumsAdjoint', rowSumsAdjoint(this.#recorder, x, r, c));
  }

  diagonalSum(a: Matrices): Vector {
    shapes.checkSquare('diagonalSum', 'A', a);
    return this.#heldVector('diagonalSum', diagonalSum(this.#recorder, this.#matrices('diagonalSum', a)));
  }

  diagonal(s: Matrices): Vector {
    shapes.checkSquare('diagonal', 'S', s);
    return this.#heldVector('diagonal', diagonal(this.#recorder, this.#matrices('diagonal', s)));
  }

  /** From above as the stored float32 matrices go, up to rounding; at most 1 + 2^-16 + 2^-22 n times the true value. */
  spectralRadius(s: Matrices): Vector {
    shapes.checkSquare('spectralRadius', 'S', s);
    return this.#heldVector(
      'spectralRadius',
      spectralRadius(this.#recorder, this.#matrices('spectralRadius', s)),
    );
  }

  /** As `spectralRadius`. */
  offDiagonalRadius(s: Matrices): Vector {
    shapes.checkSquare('offDiagonalRadius', 'S', s);
    return this.#heldVector(
      'offDiagonalRadius',
      offDiagonalRadius(this.#recorder, this.#matrices('offDiagonalRadius', s)),
    );
  }

  // ---- multipliers ----------------------------------------------------------------------------

  inverse(d: Vector, s: Matrices): { inverse: Matrices; definite: Vector } {
    shapes.inverseShape(d, s);
    const x = this.#vector('inverse', d);
    const found = inverse(this.#recorder, x, this.#matrices('inverse', s));
    return {
      inverse: this.#heldMatrices('inverse', found.inverse),
      definite: this.#heldVector('inverse', found.definite),
    };
  }

  throughSector(r: Matrices, left: Vector, subtract: Vector | undefined): Matrices {
    shapes.throughSectorShape(r, left, subtract);
    const x = this.#matrices('throughSector', r);
    const l = this.#vector('throughSector', left);
    const s = subtract && this.#vector('throughSector', subtract);
    return this.#heldMatrices('throughSector', throughSector(this.#recorder, x, l, s));
  }

  diagonalMatrix(d: Vector, complex: boolean): Matrices {
    const x = this.#vector('diagonalMatrix', d);
    return this.#heldMatrices('diagonalMatrix', diagonalMatrix(this.#recorder, x, complex));
  }

  // ---- small vectors --------------------------------------------------------------------------

  combine(terms: readonly (readonly [coefficient: number, vector: Vector])[]): Vector {
    const length = shapes.commonLength(
      'combine',
      terms.map(([, vector]) => vector),
    );
    const coefficients = terms.map(([coefficient]) => coefficient);
    const list = terms.map(([, vector]) => this.#vector('combine', vector));
    return this.#heldVector('combine', vectors.combine(this.#recorder, coefficients, list, length));
  }

  multiply(a: Vector, b: Vector): Vector {
    const length = shapes.commonLength('multiply', [a, b]);
    const [x, y] = [this.#vector('multiply', a), this.#vector('multiply', b)];
    return this.#heldVector('multiply', vectors.multiply(this.#recorder, x, y, length));
  }

  maximum(a: Vector, b: Vector): Vector {
    const length = shapes.commonLength('maximum', [a, b]);
    const [x, y] = [this.#vector('maximum', a), this.#vector('maximum', b)];
    return this.#heldVector('maximum', vectors.maximum(this.#recorder, x, y, length));
  }

  reciprocal(a: Vector): Vector {
    const x = this.#vector('reciprocal', a);
    return this.#heldVector('reciprocal', vectors.reciprocal(this.#recorder, x));
  }

  squareRoot(a: Vector): Vector {
    const x = this.#vector('squareRoot', a);
    return this.#heldVector('squareRoot', vectors.squareRoot(this.#recorder, x));
  }

  maximumOver(a: Vector, windows: readonly Int32Array[]): Vector {
    shapes.checkWindows('maximumOver', a, windows, false);
    const x = this.#vector('maximumOver', a);
    return this.#heldVector('maximumOver', vectors.maximumOver(this.#recorder, x, windows));
  }

  sumOver(a: Vector, windows: readonly Int32Array[]): Vector {
    shapes.checkWindows('sumOver', a, windows, true);
    const x = this.#vector('sumOver', a);
    return this.#heldVector('sumOver', vectors.sumOver(this.#recorder, x, windows));
  }

  largest(a: Vector): Vector {
    return this.#heldVector('largest', vectors.largest(this.#recorder, this.#vector('largest', a)));
  }

  exponent(a: Vector): Vector {
    return this.#heldVector('exponent', vectors.exponent(this.#recorder, this.#vector('exponent', a)));
  }

  scaleByPower<H extends Handle>(a: H, e: Vector, sign: 1 | -1): H {
    shapes.checkNumber('scaleByPower', 'exponent', e);
    const handle: Handle = a;
    const power = this.#vector('scaleByPower', e);
    switch (handle.kind) {
      case 'matrices': {
        const x = this.#matrices('scaleByPower', handle);
        const out = vectors.scaleMatricesByPower(this.#recorder, x, power, sign);
        // A handle of the same kind and shape is an H: handles have no other properties.
        return this.#heldMatrices('scaleByPower', out) as Handle as H;
      }
      case 'vector': {
        const x = this.#vector('scaleByPower', handle);
        const out = vectors.scaleVectorByPower(this.#recorder, x, power, sign);
        return this.#heldVector('scaleByPower', out) as Handle as H;
      }
      default:
        return handle satisfies never;
    }
  }

  choose(scores: readonly Vector[], candidates: readonly Vector[]): Vector {
    shapes.chooseLength(scores, candidates);
    const marks = scores.map((score) => this.#vector('choose', score));
    const list = candidates.map((candidate) => this.#vector('choose', candidate));
    return this.#heldVector('choose', vectors.choose(this.#recorder, marks, list));
  }

  // ---- handles --------------------------------------------------------------------------------

  #heldMatrices(origin: string, stored: StoredMatrices): Matrices {
    const { batch, rows, columns, complex } = stored;
    const handle: Matrices = Object.freeze({ kind: 'matrices', batch, rows, columns, complex });
    this.#holdings.set(handle, { origin, stored, released: false });
    return handle;
  }

  #heldVector(origin: string, stored: StoredVector): Vector {
    const handle: Vector = Object.freeze({ kind: 'vector', length: stored.length });
    this.#holdings.set(handle, { origin, stored, released: false });
    return handle;
  }

  #matrices(operation: string, handle: Matrices): StoredMatrices {
    return this.#holding(operation, handle).stored as StoredMatrices;
  }

  #vector(operation: string, handle: Vector): StoredVector {
    return this.#holding(operation, handle).stored as StoredVector;
  }

  #stored(operation: string, handle: Handle): StoredMatrices | StoredVector {
    return this.#holding(operation, handle).stored;
  }

  /** @throws Error if the handle is of another engine or was released. */
  #holding(operation: string, handle: Handle): Holding {
    this.#assertOpen(operation);
    const holding = this.#holdings.get(handle);
    if (holding === undefined)
      throw new Error(`${operation}: handles must come from this engine, got a foreign one`);
    if (holding.released) {
      throw new Error(
        `${operation}: handles must not be used after their release, got one from ${holding.origin}`,
      );
    }
    return holding;
  }

  #assertOpen(operation: string): void {
    if (this.#closed) throw new Error(`${operation}: the engine must be open, got a closed one`);
  }
}

/** Rounded to float32. Infinity and NaN stay. */
function single(operation: string, data: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const out = new Float32Array(data);
  for (let i = 0; i < out.length; i++) {
    if (Number.isFinite(out[i]!) || !Number.isFinite(data[i]!)) continue;
    throw new InputError(`${operation}: numbers must fit float32, got ${data[i]}; choose the engine cpu`);
  }
  return out;
}
