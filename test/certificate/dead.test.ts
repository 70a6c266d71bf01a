/** Certificates of networks in which branches are exactly zero, and of bounds that have none. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BoundOptions } from '../../src/bounds/result.ts';
import { verify } from '../../src/certificate/verify.ts';
import { createEngine } from '../../src/engine/create.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import type { Network, TensorId } from '../../src/network/network.ts';
import { sampledLowerBound } from '../support/forward.ts';
import { Random } from '../support/random.ts';
import { certified, sourced } from './networks.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
});
afterAll(() => engine.close());

interface Branches {
  /** Spatial axes: convolutions, or fully connected layers. */
  readonly axes: 0 | 1;
  readonly joined: 'add' | 'concat';
  /** Size of the weights of the branch, after its first layer and after its second. */
  readonly sizes: readonly [number, number];
  readonly depth: number;
}

/** Blocks of a living branch and one whose weights are scaled by `sizes`, then a linear layer. */
function branches({ axes, joined, sizes, depth }: Branches): Network {
  const random = new Random(5);
  const b = new NetworkBuilder('branches');
  const linear = (outputs: number, inputs: number, size: number, x: TensorId) => {
    const weight = random.normals(outputs * inputs * (axes === 0 ? 1 : 3), size / Math.sqrt(inputs));
    if (axes === 0) return b.add('', { kind: 'affine', outputs, inputs, weight }, [x]);
    const counts = { outputs, inputs, groups: 1, kernel: [3], stride: [1], dilation: [1] };
    const padding = { mode: 'zero', before: [1], after: [1] } as const;
    return b.add('', { kind: 'convolution', ...counts, padding, weight }, [x]);
  };
  const relu = (x: TensorId) => b.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [x]);
  let x = b.input('x', axes === 0 ? [3] : [3, 8]);
  for (let k = 0; k < depth; k++) {
    const living = relu(linear(3, 3, 1, x));
    const dead = relu(linear(3, 3, sizes[1], relu(linear(3, 3, sizes[0], x))));
    const channels = joined === 'add' ? 3 : 6;
    const sum =
      joined === 'add'
        ? b.add('', { kind: 'add', coefficients: [1, 1] }, [living, dead])
        : b.add('', { kind: 'concat' }, [living, dead]);
    x = linear(3, channels, 1, sum);
  }
  return sourced(b.build(x));
}

const METHODS: readonly BoundOptions[] = [
  { method: 'closed-form', rule: 'GC(1.5)' },
  { method: 'refined', evaluations: 4 },
];

describe.each(METHODS)('certificates by $method', (options) => {
  it.each(
    ([0, 1] as const).flatMap((axes) =>
      (['add', 'concat'] as const).flatMap((joined) =>
        (
          [
            [0, 0],
            [0, 1],
            [1, 0],
            [1e-40, 1],
            [1, 1e-100],
          ] as const
        ).map((sizes) => ({ axes, joined, sizes, depth: 2 })),
      ),
    ),
  )('of branches $sizes deep $depth with $joined on $axes axes are true and tight', async (shape) => {
    const network = branches(shape);
    const { certificate, bound: best } = await certified(network, engine, options);
    const verdict = await verify(network, JSON.parse(JSON.stringify(certificate)));
    expect(verdict).toMatchObject({ accepted: true, bound: certificate.claim.bound });
    expect(verdict.bound! / best).toBeLessThan(1 + 1e-5);
    expect(verdict.bound!).toBeGreaterThan(sampledLowerBound(network, 4, 1));
  });

  it('of a network that is constant claim next to nothing', async () => {
    const b = new NetworkBuilder('constant');
    const zero = { kind: 'affine', outputs: 2, inputs: 2, weight: new Float64Array(4) } as const;
    const relu = { kind: 'nonlinearity', function: { name: 'relu' } } as const;
    const network = sourced(
      b.build(b.add('', zero, [b.add('', relu, [b.add('', zero, [b.input('x', [2])])])])),
    );
    const { certificate } = await certified(network, engine, options);
    expect(certificate.claim.bound!).toBeLessThan(1e-30);
    expect(await verify(network, certificate)).toMatchObject({ accepted: true });
  });
});
