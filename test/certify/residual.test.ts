/** Deep residual networks, of which bounds of the whole network say little about any one input. */
import { expect, it } from 'vitest';
import { certifySamples } from '../../src/certify/certify.ts';
import { createEngine } from '../../src/engine/create.ts';
import { NetworkBuilder } from '../../src/network/builder.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';
import type { Network } from '../../src/network/network.ts';
import { Random } from '../support/random.ts';

/** x ↦ x + B relu(A x + a) so many times, after and before a matrix. */
function residual(random: Random, blocks: number, width: number, inputs: number, outputs: number): Network {
  const builder = new NetworkBuilder('residual');
  const affine = (from: number, to: number, scale: number, tensor: number) =>
    builder.add(
      '',
      {
        ...{ kind: 'affine', inputs: from, outputs: to },
        weight: random.normals(from * to).map((w) => (scale * w) / Math.sqrt(from)),
        bias: random.normals(to).map((b) => 0.3 * b),
      },
      [tensor],
    );
  let tensor = affine(inputs, width, 1, builder.input('x', [inputs]));
  for (let k = 0; k < blocks; k++) {
    const inner = builder.add('', { kind: 'nonlinearity', function: { name: 'relu' } }, [
      affine(width, width, 1, tensor),
    ]);
    const branch = affine(width, width, 0.5, inner);
    tensor = builder.add('', { kind: 'add', coefficients: [1, 1] }, [tensor, branch]);
  }
  return builder.build(affine(width, outputs, 1, tensor));
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

it('radii of 18 blocks are more than twice those of the whole network, in closed form', async () => {
  const random = new Random(18);
  const network = residual(random, 18, 8, 6, 4);
  const samples = Array.from({ length: 9 }, (_, index) => {
    const input = random.normals(6);
    const values = evaluate(network, input);
    return { index, input, label: values.indexOf(Math.max(...values)) };
  });
  const engine = await createEngine({ engine: 'cpu-wasm', threads: 1 });
  try {
    const radiiBy = async (regions: boolean) => {
      const radii: number[] = [];
      const options = { engine, regions, maxRadius: true, attackStarts: 1, evaluations: 0 };
      for await (const { radius } of certifySamples(network, samples, options)) radii.push(radius!);
      return radii;
    };
    const [whole, around] = [await radiiBy(false), await radiiBy(true)];
    expect(median(whole)).toBeGreaterThan(0);
    expect(median(around)).toBeGreaterThan(2 * median(whole));
  } finally {
    await engine.close();
  }
});
