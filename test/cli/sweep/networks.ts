/** Files of the smallest networks that a sweep can be of. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeOnnx } from '../../../src/formats/onnx/writing/write.ts';
import { NetworkBuilder } from '../../../src/network/builder.ts';
import type { Network } from '../../../src/network/network.ts';

/** x ↦ V relu(W x): `sizes` are those of its vectors; weights come of the seed alone. */
export function tinyNetwork(seed: number, sizes: readonly [number, number, number] = [2, 3, 2]): Network {
  const b = new NetworkBuilder('tiny');
  const weights = (rows: number, columns: number, layer: number) => ({
    ...{ outputs: rows, inputs: columns, bias: new Float64Array(rows) },
    weight: Float64Array.from({ length: rows * columns }, (_, k) =>
      Math.fround(Math.sin(1 + 7 * k + 31 * layer + 0.37 * seed)),
    ),
  });
  const x = b.input('x', [sizes[0]]);
  const y = b.add('fc1', { kind: 'affine', ...weights(sizes[1], sizes[0], 0) }, [x]);
  const z = b.add('relu', { kind: 'nonlinearity', function: { name: 'relu' } }, [y]);
  return b.build(b.add('fc2', { kind: 'affine', ...weights(sizes[2], sizes[1], 1) }, [z]));
}

/** Checkpoints `step-1.onnx` and so on in a folder, no two alike. */
export function writeCheckpoints(folder: string, count: number): void {
  mkdirSync(folder, { recursive: true });
  for (let k = 1; k <= count; k++) writeFileSync(join(folder, `step-${k}.onnx`), writeOnnx(tinyNetwork(k)));
}
