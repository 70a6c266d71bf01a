/** How large weights are, from harmless to nasty. */
import type { Random } from '../random.ts';

/**
 * `plain`: normal numbers. `dyadic`: multiples of 1/8. `sparse`: mostly zeros. `positive`: no cancellation. `unit`: 0 and ±1.
 * `tiny`, `wild`: layers by factors of 2^±k, up to the range of the type; `mixed`: entries of one layer by such factors.
 */
export type Style = 'plain' | 'dyadic' | 'sparse' | 'positive' | 'unit' | 'wild' | 'mixed';

export const STYLES: Readonly<Record<Style, number>> = {
  plain: 6,
  dyadic: 2,
  sparse: 1,
  positive: 2,
  unit: 2,
  wild: 2,
  mixed: 1,
};

export class Scales {
  readonly style: Style;
  readonly #random: Random;
  readonly #type: 'float' | 'double';
  /** log2 of what the layers so far have multiplied by, in the style `wild`. */
  #sum = 0;

  constructor(random: Random, style: Style, type: 'float' | 'double') {
    this.#random = random;
    this.style = style;
    this.#type = type;
  }

  get nasty(): boolean {
    return this.style === 'wild' || this.style === 'mixed';
  }

  /** As the type holds it. */
  stored(value: number): number {
    return this.#type === 'float' ? Math.fround(value) : value;
  }

  values(count: number, fanIn: number): number[] {
    const random = this.#random;
    const size = 1 / Math.sqrt(fanIn);
    const reach = this.#type === 'float' ? 120 : 980;
    const factor = this.style === 'wild' ? 2 ** this.#exponent(reach) : 1;
    return Array.from({ length: count }, () => {
      switch (this.style) {
        case 'plain':
          return this.stored(random.normal() * size);
        case 'dyadic':
          return random.integer(-12, 12) / 8;
        case 'sparse':
          return random.chance(0.7) ? 0 : this.stored(random.normal());
        case 'positive':
          return this.stored(Math.abs(random.normal()) * size);
        case 'unit':
          return random.integer(-1, 1);
        case 'wild':
          return this.stored(random.normal() * size * factor);
        case 'mixed':
          return this.stored(random.normal() * 2 ** random.integer(-reach / 8, reach / 8));
        default:
          throw new Error(`unknown style ${this.style satisfies never}`);
      }
    });
  }

  /** Back towards a product of 1 half of the time, so that what vanished shows again. */
  #exponent(reach: number): number {
    const back = this.#random.chance(0.5) ? -this.#sum : this.#random.integer(-reach, reach);
    const exponent = Math.max(-reach, Math.min(reach, back));
    this.#sum += exponent;
    return exponent;
  }

  /** A small number such that x + εx − x is lost in the type, but not by ONNX. */
  epsilon(): number {
    return 2 ** -this.#random.integer(20, this.#type === 'float' ? 100 : 300);
  }
}
