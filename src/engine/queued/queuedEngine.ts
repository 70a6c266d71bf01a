/** An `Engine` over `Operations` that run one after another: checks shapes, records, runs. */
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
import { type Eventually, type Operations, type Storage, type Stored, when } from './operations.ts';
import { Recorder } from './recorder.ts';

/** @typeParam M what holds matrices. */
export class QueuedEngine<M extends object> implements Engine {
  readonly information: EngineInformation;
  readonly #operations: Operations<M>;
  readonly #storage: Storage<M>;
  readonly #recorder: Recorder<M>;

  /** @param storage is closed with the engine. */
  constructor(information: EngineInformation, operations: Operations<M>, storage: Storage<M>) {
    this.information = information;
    this.#operations = operations;
    this.#storage = storage;
    this.#recorder = new Recorder(storage);
  }

  get peakBytes(): number {
    return this.#recorder.peakBytes;
  }

  matrices(data: Data, batch: number, rows: number, columns: number, complex: boolean): Matrices {
    const shape: Shape = { batch, rows, columns, complex };
    if (typeof data === 'function') {
      shapes.dataLength(shape, undefined);
      return this.#recorder.matrices('matrices', shape, () => this.#held(data(), shape));
    }
    shapes.dataLength(shape, data);
    return this.#recorder.holdMatrices('matrices', shape, () => this.#held(data, shape));
  }

  vector(data: ArrayLike<number>): Vector {
    shapes.checkDimension('vector', 'length', data.length);
    return this.#recorder.holdVector('vector', data);
  }

  async read(...handles: Handle[]): Promise<Float64Array[]> {
    const sources = handles.map((handle) => this.#recorder.operand('read', handle));
    let copies: Float64Array[] = [];
    this.#recorder.step('read', async () => {
      copies = await Promise.all(
        sources.map((source) => {
          const value = source();
          return value instanceof Float64Array ? value.slice() : this.#storage.entries(value);
        }),
      );
    });
    await this.#recorder.run();
    return copies;
  }

  async settle(signal?: AbortSignal): Promise<void> {
    await this.#recorder.run(signal);
  }

  release(...handles: Handle[]): void {
    this.#recorder.release(handles);
  }

  symbol(taps: Matrices, phases: Matrices, rows: number, columns: number): Matrices {
    const shape = shapes.symbolShape(taps, phases, rows, columns);
    const t = this.#recorder.operand('symbol', taps);
    const p = this.#recorder.operand('symbol', phases);
    return this.#recorder.matrices('symbol', shape, () => this.#operations.symbol(t(), p(), rows, columns));
  }

  product(a: Matrices, b: Matrices, options: ProductOptions = {}): Matrices {
    const shape = shapes.productShape(a, b, options);
    const x = this.#recorder.operand('product', a);
    const y = this.#recorder.operand('product', b);
    return this.#recorder.matrices('product', shape, () => this.#operations.product(x(), y(), options));
  }

  congruence(w: Matrices, q?: Matrices | Vector): Matrices {
    const shape = shapes.congruenceShape('congruence', w, q);
    const x = this.#recorder.operand('congruence', w);
    const y = this.#optional('congruence', q);
    return this.#recorder.matrices('congruence', shape, () => this.#operations.congruence(x(), y()));
  }

  congruenceAdjoint(w: Matrices, g: Matrices): Matrices {
    const shape = shapes.congruenceAdjointShape(w, g);
    const x = this.#recorder.operand('congruenceAdjoint', w);
    const y = this.#recorder.operand('congruenceAdjoint', g);
    return this.#recorder.matrices('congruenceAdjoint', shape, () =>
      this.#operations.congruenceAdjoint(x(), y()),
    );
  }

  aliasAdjoint(g: Matrices, count: number): Matrices {
    const shape = shapes.aliasAdjointShape(g, count);
    const x = this.#recorder.operand('aliasAdjoint', g);
    return this.#recorder.matrices('aliasAdjoint', shape, () => this.#operations.aliasAdjoint(x(), count));
  }

  scaleBatch(a: Matrices, factors: Vector): Matrices {
    const shape = shapes.scaleBatchShape(a, factors);
    const x = this.#recorder.operand('scaleBatch', a);
    const f = this.#recorder.operand('scaleBatch', factors);
    return this.#recorder.matrices('scaleBatch', shape, () => this.#operations.scaleBatch(x(), f()));
  }

  toComplex(a: Matrices): Matrices {
    const shape = { batch: a.batch, rows: a.rows, columns: a.columns, complex: true };
    const x = this.#recorder.operand('toComplex', a);
    return this.#recorder.matrices('toComplex', shape, () => this.#operations.toComplex(x()));
  }

  alias(s: Matrices, count: number): Matrices {
    const shape = shapes.aliasShape(s, count);
    const x = this.#recorder.operand('alias', s);
    return this.#recorder.matrices('alias', shape, () => this.#operations.alias(x(), count));
  }

  windowSum(w: Matrices, q: Matrices | Vector | undefined, weights: Vector): Matrices {
    const shape = shapes.windowSumShape(w, q, weights);
    const x = this.#recorder.operand('windowSum', w);
    const y = this.#optional('windowSum', q);
    const v = this.#recorder.operand('windowSum', weights);
    return this.#recorder.matrices('windowSum', shape, () => this.#operations.windowSum(x(), y(), v()));
  }

  windowSumOperations({ columns, complex }: Matrices, batch: number): number {
    // In whatever order all terms of all entries are added up, with their weights.
    return (complex ? 2 : 1) * columns * batch + 2;
  }

  add(a: Matrices, b: Matrices): Matrices {
    const shape = shapes.addShape(a, b);
    const x = this.#recorder.operand('add', a);
    const y = this.#recorder.operand('add', b);
    return this.#recorder.matrices('add', shape, () => this.#operations.add(x(), y()));
  }

  submatrix(a: Matrices, rows: Ranges, columns: Ranges): Matrices {
    const shape = shapes.submatrixShape(a, rows, columns);
    const x = this.#recorder.operand('submatrix', a);
    return this.#recorder.matrices('submatrix', shape, () => this.#operations.submatrix(x(), rows, columns));
  }

  submatrixAdjoint(a: Matrices, ranges: Ranges, size: number): Matrices {
    const shape = shapes.submatrixAdjointShape(a, ranges, size);
    const x = this.#recorder.operand('submatrixAdjoint', a);
    return this.#recorder.matrices('submatrixAdjoint', shape, () =>
      this.#operations.submatrixAdjoint(x(), ranges, size),
    );
  }

  assemble(a: Matrices, b: Matrices, c: Matrices): Matrices {
    const shape = shapes.assembleShape(a, b, c);
    const x = this.#recorder.operand('assemble', a);
    const y = this.#recorder.operand('assemble', b);
    const z = this.#recorder.operand('assemble', c);
    return this.#recorder.matrices('assemble', shape, () => this.#operations.assemble(x(), y(), z()));
  }

  scaleSides(a: Matrices, left: Vector | undefined, right: Vector | undefined): Matrices {
    const shape = shapes.scaleSidesShape(a, left, right);
    const x = this.#recorder.operand('scaleSides', a);
    const l = this.#optional('scaleSides', left);
    const r = this.#optional('scaleSides', right);
    return this.#recorder.matrices('scaleSides', shape, () => this.#operations.scaleSides(x(), l(), r()));
  }

  absoluteProduct(
    a: Matrices,
    x: Matrices | Vector,
    options: { readonly adjoint?: boolean; readonly plus?: Vector } = {},
  ): Matrices {
    const shape = shapes.absoluteProductShape(a, x, options);
    const left = this.#recorder.operand('absoluteProduct', a);
    const right = this.#recorder.operand('absoluteProduct', x as Handle);
    const plus = this.#optional('absoluteProduct', options.plus);
    return this.#recorder.matrices('absoluteProduct', shape, () =>
      this.#operations.absoluteProduct(left(), right(), options.adjoint ?? false, plus()),
    );
  }

  columnMaximum(x: Matrices): Vector {
    shapes.checkColumns('columnMaximum', x);
    const columns = this.#recorder.operand('columnMaximum', x);
    return this.#recorder.vector('columnMaximum', x.rows, () => this.#operations.columnMaximum(columns()));
  }

  addDiagonal(s: Matrices, d: Vector): Matrices {
    const shape = shapes.addDiagonalShape(s, d);
    const x = this.#recorder.operand('addDiagonal', s);
    const y = this.#recorder.operand('addDiagonal', d);
    return this.#recorder.matrices('addDiagonal', shape, () => this.#operations.addDiagonal(x(), y()));
  }

  rowSums(s: Matrices): Vector {
    shapes.checkSquare('rowSums', 'S', s);
    const x = this.#recorder.operand('rowSums', s);
    return this.#recorder.vector('rowSums', s.rows, () => this.#operations.rowSums(x()));
  }

  rowSumsAdjoint(s: Matrices, sums: Vector, coefficients: Vector): Matrices {
    const shape = shapes.rowSumsAdjointShape(s, sums, coefficients);
    const x = this.#recorder.operand('rowSumsAdjoint', s);
    const r = this.#recorder.operand('rowSumsAdjoint', sums);
    const c = this.#recorder.operand('rowSumsAdjoint', coefficients);
    return this.#recorder.matrices('rowSumsAdjoint', shape, () =>
      this.#operations.rowSumsAdjoint(x(), r(), c()),
    );
  }

  diagonalSum(a: Matrices): Vector {
    shapes.checkSquare('diagonalSum', 'A', a);
    const x = this.#recorder.operand('diagonalSum', a);
    return this.#recorder.vector('diagonalSum', a.rows, () => this.#operations.diagonalSum(x()));
  }

  diagonal(s: Matrices): Vector {
    shapes.checkSquare('diagonal', 'S', s);
    const x = this.#recorder.operand('diagonal', s);
    return this.#recorder.vector('diagonal', s.rows, () => this.#operations.diagonal(x()));
  }

  spectralRadius(s: Matrices): Vector {
    shapes.checkSquare('spectralRadius', 'S', s);
    const x = this.#recorder.operand('spectralRadius', s);
    return this.#number('spectralRadius', () => this.#operations.spectralRadius(x()));
  }

  offDiagonalRadius(s: Matrices): Vector {
    shapes.checkSquare('offDiagonalRadius', 'S', s);
    const x = this.#recorder.operand('offDiagonalRadius', s);
    return this.#number('offDiagonalRadius', () => this.#operations.offDiagonalRadius(x()));
  }

  inverse(d: Vector, s: Matrices): { inverse: Matrices; definite: Vector } {
    const shape = shapes.inverseShape(d, s);
    const x = this.#recorder.operand('inverse', d);
    const y = this.#recorder.operand('inverse', s);
    const [inverse, definite] = this.#recorder.both('inverse', shape, 1, () =>
      when(this.#operations.inverse(x(), y()), (found) => [
        found.inverse,
        Float64Array.of(Number(found.definite)),
      ]),
    );
    return { inverse, definite };
  }

  throughSector(r: Matrices, left: Vector, subtract: Vector | undefined): Matrices {
    const shape = shapes.throughSectorShape(r, left, subtract);
    const x = this.#recorder.operand('throughSector', r);
    const l = this.#recorder.operand('throughSector', left);
    const s = this.#optional('throughSector', subtract);
    return this.#recorder.matrices('throughSector', shape, () =>
      this.#operations.throughSector(x(), l(), s()),
    );
  }

  diagonalMatrix(d: Vector, complex: boolean): Matrices {
    const shape = { batch: 1, rows: d.length, columns: d.length, complex };
    const x = this.#recorder.operand('diagonalMatrix', d);
    return this.#recorder.matrices('diagonalMatrix', shape, () =>
      this.#operations.diagonalMatrix(x(), complex),
    );
  }

  combine(terms: readonly (readonly [coefficient: number, vector: Vector])[]): Vector {
    const length = shapes.commonLength(
      'combine',
      terms.map(([, vector]) => vector),
    );
    const coefficients = terms.map(([coefficient]) => coefficient);
    const sources = terms.map(([, vector]) => this.#recorder.operand('combine', vector));
    return this.#recorder.vector('combine', length, () =>
      this.#operations.combine(
        coefficients,
        sources.map((source) => source()),
        length,
      ),
    );
  }

  multiply(a: Vector, b: Vector): Vector {
    const length = shapes.commonLength('multiply', [a, b]);
    const x = this.#recorder.operand('multiply', a);
    const y = this.#recorder.operand('multiply', b);
    return this.#recorder.vector('multiply', length, () => this.#operations.multiply(x(), y(), length));
  }

  maximum(a: Vector, b: Vector): Vector {
    const length = shapes.commonLength('maximum', [a, b]);
    const x = this.#recorder.operand('maximum', a);
    const y = this.#recorder.operand('maximum', b);
    return this.#recorder.vector('maximum', length, () => this.#operations.maximum(x(), y(), length));
  }

  reciprocal(a: Vector): Vector {
    const x = this.#recorder.operand('reciprocal', a);
    return this.#recorder.vector('reciprocal', a.length, () => this.#operations.reciprocal(x()));
  }

  squareRoot(a: Vector): Vector {
    const x = this.#recorder.operand('squareRoot', a);
    return this.#recorder.vector('squareRoot', a.length, () => this.#operations.squareRoot(x()));
  }

  maximumOver(a: Vector, windows: readonly Int32Array[]): Vector {
    shapes.checkWindows('maximumOver', a, windows, false);
    const x = this.#recorder.operand('maximumOver', a);
    return this.#recorder.vector('maximumOver', windows.length, () =>
      this.#operations.maximumOver(x(), windows),
    );
  }

  sumOver(a: Vector, windows: readonly Int32Array[]): Vector {
    shapes.checkWindows('sumOver', a, windows, true);
    const x = this.#recorder.operand('sumOver', a);
    return this.#recorder.vector('sumOver', windows.length, () => this.#operations.sumOver(x(), windows));
  }

  largest(a: Vector): Vector {
    const x = this.#recorder.operand('largest', a);
    return this.#number('largest', () => this.#operations.largest(x()));
  }

  exponent(a: Vector): Vector {
    const x = this.#recorder.operand('exponent', a);
    return this.#number('exponent', () => this.#operations.exponent(x()));
  }

  scaleByPower<H extends Handle>(a: H, e: Vector, sign: 1 | -1): H {
    shapes.checkNumber('scaleByPower', 'exponent', e);
    const handle: Handle = a;
    const power = this.#recorder.operand('scaleByPower', e);
    switch (handle.kind) {
      case 'matrices': {
        const x = this.#recorder.operand('scaleByPower', handle);
        // A handle of the same kind and shape is an H: handles have no other properties.
        return this.#recorder.matrices('scaleByPower', handle, () =>
          this.#operations.scaleMatricesByPower(x(), sign * power()[0]!),
        ) as Handle as H;
      }
      case 'vector': {
        const x = this.#recorder.operand('scaleByPower', handle);
        return this.#recorder.vector('scaleByPower', handle.length, () =>
          this.#operations.scaleByPower(x(), sign * power()[0]!),
        ) as Handle as H;
      }
      default:
        return handle satisfies never;
    }
  }

  choose(scores: readonly Vector[], candidates: readonly Vector[]): Vector {
    const length = shapes.chooseLength(scores, candidates);
    const marks = scores.map((score) => this.#recorder.operand('choose', score));
    const sources = candidates.map((candidate) => this.#recorder.operand('choose', candidate));
    return this.#recorder.vector('choose', length, () =>
      this.#operations.choose(
        marks.map((mark) => mark()[0]!),
        sources.map((source) => source()),
      ),
    );
  }

  async close(): Promise<void> {
    await this.#recorder.close();
    await this.#storage.close();
  }

  #held(data: Float64Array, shape: Shape): M {
    shapes.dataLength(shape, data);
    return this.#storage.hold(data, shape);
  }

  #number(operation: string, compute: () => Eventually<number>): Vector {
    return this.#recorder.vector(operation, 1, () => when(compute(), (x) => Float64Array.of(x)));
  }

  #optional(operation: string, handle: Vector | undefined): () => Float64Array | undefined;
  #optional(operation: string, handle: Handle | undefined): () => Stored<M> | Float64Array | undefined;
  #optional(operation: string, handle: Handle | undefined): () => Stored<M> | Float64Array | undefined {
    return handle === undefined ? () => undefined : this.#recorder.operand(operation, handle);
  }
}
