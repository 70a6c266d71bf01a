/** Small networks, written layer by layer. */
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Elementwise } from '../../src/network/elementwise/elementwise.ts';
import type { Network, TensorId } from '../../src/network/network.ts';

/** Layers from one to the next, of x of the given shape. */
export class Layers {
  readonly #builder = new NetworkBuilder('layers');
  #tensor: TensorId;

  constructor(...shape: number[]) {
    this.#tensor = this.#builder.input('x', shape);
  }

  affine(outputs: number, inputs: number, weight: Iterable<number>, bias?: Iterable<number>): this {
    return this.add({
      kind: 'affine',
      ...{ outputs, inputs },
      weight: Float64Array.from(weight),
      ...(bias && { bias: Float64Array.from(bias) }),
    });
  }

  apply(f: Elementwise): this {
    return this.add({ kind: 'nonlinearity', function: f });
  }

  add(operator: Parameters<NetworkBuilder['add']>[1]): this {
    this.#tensor = this.#builder.add('', operator, [this.#tensor]);
    return this;
  }

  build(): Network {
    return this.#builder.build(this.#tensor);
  }
}
