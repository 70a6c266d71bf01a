/** Two networks in files that only a careless hash takes for the same: bytes moved from one file to the next. */
import { create } from '@bufbuild/protobuf';
import { type TensorProto, TensorProtoSchema } from '../../src/formats/onnx/protobuf/onnx_pb.ts';
import { model, node } from '../../test/formats/onnx/build.ts';
import type { Files } from '../files/mutate.ts';
import type { Random } from '../random.ts';
import { refer } from './networks.ts';

const FLOAT = 1;
/** A field that ONNX does not have, of bytes: readers pass over it. Its tag in three bytes. */
const UNKNOWN = [0xc2, 0xb8, 0x02];

/** W₂ relu(W₁ x), the matrices in a.bin and b.bin, and the same with the files' bytes moved. */
export function drawPair(random: Random): {
  readonly how: string;
  readonly first: Files;
  readonly second: Files;
} {
  const n = random.integer(1, 3);
  const bytes = 4 * n * n;
  const open = random.chance(0.5);
  const tensor = (name: string, location: string): TensorProto => {
    const made = create(TensorProtoSchema, { name, dims: [BigInt(n), BigInt(n)], dataType: FLOAT });
    // With nothing said the tensor ends with its file.
    refer(made, open ? { location, length: bytes } : { location, offset: 0, length: bytes });
    return made;
  };
  const nodes = [node('MatMul', 'x first', 'h'), node('Relu', 'h', 'g'), node('MatMul', 'g second', 'y')];
  const initializers = [tensor('first', 'a.bin'), tensor('second', 'b.bin')];
  const file = model(nodes, { inputs: { x: ['N', n] }, initializers });
  const weights = (scale: number) =>
    new Uint8Array(Float32Array.from({ length: n * n + 4 }, () => scale * random.normal()).buffer);
  const [a, b] = [weights(1), weights(10 ** random.integer(-2, 2))];
  const first: Files = {
    model: file,
    external: new Map([
      ['a.bin', a],
      ['b.bin', b],
    ]),
  };
  const moved = 4 * random.integer(1, 3);
  switch (random.integer(0, 3)) {
    case 0:
      return { how: 'bytes of a.bin moved to b.bin', first, second: split(file, a, b, a.length - moved) };
    case 1:
      return { how: 'bytes of b.bin moved to a.bin', first, second: split(file, a, b, a.length + moved) };
    case 2:
      return {
        how: 'a.bin and b.bin exchanged',
        first,
        second: {
          model: file,
          external: new Map([
            ['a.bin', b],
            ['b.bin', a],
          ]),
        },
      };
    default: {
      // What stands in front of a.bin is a field that no reader knows, at the end of the model.
      const field = Uint8Array.from([
        ...UNKNOWN,
        moved,
        ...Array.from({ length: moved }, () => random.integer(0, 255)),
      ]);
      const longer = joined(field, a);
      return {
        how: 'bytes of the model moved to a.bin',
        first: {
          model: joined(file, field),
          external: new Map([
            ['a.bin', a],
            ['b.bin', b],
          ]),
        },
        second: {
          model: file,
          external: new Map([
            ['a.bin', longer],
            ['b.bin', b],
          ]),
        },
      };
    }
  }
}

function split(file: Uint8Array, a: Uint8Array, b: Uint8Array, at: number): Files {
  const all = joined(a, b);
  return {
    model: file,
    external: new Map([
      ['a.bin', all.slice(0, at)],
      ['b.bin', all.slice(at)],
    ]),
  };
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([a, b]));
}
