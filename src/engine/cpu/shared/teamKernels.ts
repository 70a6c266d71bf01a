/** The kernels of an engine whose threads share memory: products by all of them, where their matrices lie there. */
import { type Kernels, type Product, productFlops } from '../kernels.ts';
import { leaveHeap } from '../storage.ts';
import { inBands, productCost } from './costs.ts';
import type { Team } from './team.ts';

/** Operations in a band of rows, about, and rows at least. */
const BAND = 2e7;
const LEAST_ROWS = 64;

export class TeamKernels implements Kernels {
  readonly name: Kernels['name'];
  readonly description: string;
  readonly threads: number;
  readonly #team: Team;
  readonly #single: Kernels;
  #closing: Promise<void> | undefined;

  /** @param single those that do what lies elsewhere, and what is done one after another */
  constructor(team: Team, single: Kernels) {
    this.#team = team;
    this.#single = single;
    this.name = single.name;
    this.description = single.description;
    this.threads = team.threads;
  }

  async product(task: Product, out: Float64Array): Promise<void> {
    const { heap } = this.#team;
    if (!(heap.holds(task.a) && heap.holds(task.b) && heap.holds(out)))
      return this.#single.product(task, out);
    const { batch, m, n, k, strideA, strideB, complex } = task;
    const flags = [complex, task.adjointA, task.adjointB, task.lower].map(Number);
    const flops = productFlops(task);
    const [a, b, c] = [task.a.byteOffset, task.b.byteOffset, out.byteOffset];
    if (!inBands(batch, flops)) {
      const numbers = [a, b, c, strideA, strideB, m, n, k, ...flags];
      await this.#team.run({
        kernel: 'product',
        numbers,
        count: batch,
        cost: productCost(this.#team, flops),
      });
      return;
    }
    const height = Math.ceil(Math.max(LEAST_ROWS, (BAND / flops) * m) / LEAST_ROWS) * LEAST_ROWS;
    const count = Math.ceil(m / height);
    const cost = productCost(this.#team, flops / count);
    for (let entry = 0; entry < batch; entry++) {
      const bytes = complex ? 16 : 8;
      const places = [a + 8 * entry * strideA, b + 8 * entry * strideB, c + entry * m * n * bytes];
      const numbers = [...places, m, n, k, ...flags, height];
      await this.#team.run({ kernel: 'productBands', numbers, count, cost });
    }
  }

  positiveDefinite(a: Float64Array, batch: number, n: number, complex: boolean): Promise<Uint8Array> {
    return this.#single.positiveDefinite(a, batch, n, complex);
  }

  invert(a: Float64Array, batch: number, n: number, complex: boolean): Promise<boolean> {
    return this.#single.invert(a, batch, n, complex);
  }

  multiplyVector(
    a: Float64Array,
    x: Float64Array,
    y: Float64Array,
    n: number,
    complex: boolean,
  ): Promise<void> {
    return this.#single.multiplyVector(a, x, y, n, complex);
  }

  /** Once, however often it is called: the memory is left once. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([this.#team.close(), this.#single.close()]);
    leaveHeap();
  }
}
