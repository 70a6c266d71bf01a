/** Random numbers that a seed fixes, on every machine alike. */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0;
    for (let k = 0; k < 4; k++) this.next();
  }

  /** In [0, 1) (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.next() * choices.length)]!;
  }

  /** One of the keys, as often as its weight says. */
  weighted<T extends string | number>(weights: Readonly<Record<T, number>>): `${T}` {
    const entries = Object.entries<number>(weights);
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) return key as `${T}`;
    }
    return entries.at(-1)![0] as `${T}`;
  }

  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  normals(count: number, scale = 1): Float64Array {
    return Float64Array.from({ length: count }, () => scale * this.normal());
  }

  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let k = result.length - 1; k > 0; k--) {
      const other = this.integer(0, k);
      [result[k], result[other]] = [result[other]!, result[k]!];
    }
    return result;
  }
}
