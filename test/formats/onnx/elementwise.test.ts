/** Every elementwise function of the table as a file: written, read, and computed by ONNX Runtime. */
import { describe, expect, it } from 'vitest';
import { writeOnnx } from '../../../src/formats/onnx/writing/write.ts';
import { NetworkBuilder } from '../../../src/network/builder.ts';
import type { Elementwise } from '../../../src/network/elementwise/elementwise.ts';
import { evaluate } from '../../../src/network/evaluation/evaluate.ts';
import { NAMED_EXAMPLES } from '../../support/elementwise.ts';
import { distance, inFloat32, read } from './build.ts';
import { runOnnx } from './onnxRuntime.ts';

const SHAPE = [3, 4];
const x = Float64Array.from({ length: 12 }, (_, i) => Math.fround(4 * Math.sin(1 + 5 * i)));

function networkOf(f: Elementwise) {
  const builder = new NetworkBuilder('single');
  const layer = { kind: 'nonlinearity', function: f } as const;
  return builder.build(builder.add('layer', layer, [builder.input('x', SHAPE)]));
}

describe.each(NAMED_EXAMPLES)('%s', (_, f) => {
  it('comes back as the same function', async () => {
    const network = inFloat32(networkOf(f));
    const again = await read(writeOnnx(network));
    // A mask is written as the identity.
    expect(again.nodes).toHaveLength(f.name === 'mask' ? 0 : 1);
    expect(distance(evaluate(again, x), evaluate(network, x))).toBe(0);
  });

  it('with parameters of float64 is the same, or refused', async () => {
    const network = networkOf(f);
    let bytes: Uint8Array;
    try {
      bytes = writeOnnx(network);
    } catch (error) {
      expect(String(error)).toMatch(`layer: ${f.name}: ONNX holds its parameters in float32, got `);
      return;
    }
    expect(distance(evaluate(await read(bytes), x), evaluate(network, x))).toBe(0);
  });

  it('is what ONNX Runtime computes', async () => {
    const network = inFloat32(networkOf(f));
    const theirs = await runOnnx(writeOnnx(network), Float32Array.from(x), [1, ...SHAPE]);
    expect(distance(evaluate(network, x), theirs)).toBeLessThanOrEqual(1e-6);
  });
});
