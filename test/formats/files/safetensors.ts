/** Files of safetensors for tests. */

/** A file of the published layout: eight bytes of length, a header in JSON, the numbers. */
export function safetensorsFile(
  tensors: Readonly<Record<string, { shape: number[]; numbers: Float32Array }>>,
): Uint8Array {
  let at = 0;
  const header: Record<string, unknown> = {};
  for (const [name, { shape, numbers }] of Object.entries(tensors)) {
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + numbers.byteLength] };
    at += numbers.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + at);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  let next = 8 + json.length;
  for (const { numbers } of Object.values(tensors)) {
    bytes.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength), next);
    next += numbers.byteLength;
  }
  return bytes;
}
