/** ONNX among the formats. */
import type { Format } from '../format.ts';

const ENDING = /\.onnx$/i;

/**
 * First bytes of the fields of a `ModelProto`, of which a serialized model holds one after the other in any order: the field's number
 * times 8, plus its wire type. Fields from 16 on have a second byte.
 */
const FIRST_BYTES: readonly number[] = [
  ...[1, 5].map((varint) => 8 * varint),
  ...[2, 3, 4, 6, 7, 8, 14].map((message) => 8 * message + 2),
  ...[20, 25, 26].map((message) => 0x80 | ((8 * message + 2) & 0x7f)),
];

export const ONNX: Format = {
  name: 'ONNX',
  ending: ENDING,
  begins: (bytes) => FIRST_BYTES.includes(bytes[0]!),
  options: ['inputShape', 'output', 'input', 'fix', 'batch'],
  async read(bytes, file, external, { inputShape, output, input, fix, batch, signal }) {
    const { readOnnx } = await import('./read.ts');
    return readOnnx(bytes, {
      name: file.replace(ENDING, ''),
      external,
      owned: true,
      ...(inputShape && { inputShape }),
      ...(output !== undefined && { output }),
      ...(input !== undefined && { input }),
      ...(fix && { fix }),
      ...(batch && { batch }),
      ...(signal && { signal }),
    });
  },
};
