/** Files of safetensors for tests. */
import { safetensorsFile as fileOf } from '../../certify/data/files.ts';

/** Of the published layout: eight bytes of length, a header in JSON, the numbers. */
export function safetensorsFile(
  tensors: Readonly<Record<string, { shape: number[]; numbers: Float32Array }>>,
): Uint8Array {
  let at = 0;
  const header: Record<string, unknown> = {};
  const data: Uint8Array[] = [];
  for (const [name, { shape, numbers }] of Object.entries(tensors)) {
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + numbers.byteLength] };
    at += numbers.byteLength;
    data.push(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
  }
  return new Uint8Array(fileOf(header, Buffer.concat(data)));
}
