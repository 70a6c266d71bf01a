/** Models packed with gzip. */
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { loadNetwork } from '../../src/formats/load.node.ts';
import { evaluate } from '../../src/network/evaluation/evaluate.ts';
import { floats, model, node } from './onnx/build.ts';

const plain = model([node('Mul', 'x w', 'y')], { initializers: [floats('w', [4], [1, 2, 3, 4])] });

it('are read as what they hold, and known by their own bytes', async () => {
  const packed = new Uint8Array(gzipSync(plain));
  const network = await loadNetwork(new File([packed], 'net.onnx.gz'));
  expect([...evaluate(network, Float64Array.of(1, 1, 1, 1))]).toEqual([1, 2, 3, 4]);
  expect(network.name).toBe('net');
  expect(network.source).toMatchObject({ file: 'net.onnx.gz', bytes: packed.length });
  expect(network.source!.sha256).not.toBe((await loadNetwork(plain)).source!.sha256);
});

it('are refused where they are broken, or would be out of all proportion', async () => {
  const packed = new Uint8Array(gzipSync(plain));
  await expect(loadNetwork(new File([packed.subarray(0, 30)], 'net.onnx.gz'))).rejects.toThrow(/broken/);
  const bomb = new Uint8Array(gzipSync(new Uint8Array(64 * 2 ** 20)));
  await expect(loadNetwork(new File([bomb], 'net.onnx.gz'))).rejects.toThrow(/must hold at most \d+ bytes/);
});
