/** MAT-files of version 5, element by element. */

export const DOUBLE = 6;
export const CELL = 1;
export const STRUCTURE = 2;
export const TEXT = 4;

export function element(type: number, data: Uint8Array): Buffer {
  const tag = Buffer.alloc(8);
  tag.writeUInt32LE(type, 0);
  tag.writeUInt32LE(data.length, 4);
  return Buffer.concat([tag, data, Buffer.alloc((8 - (data.length % 8)) % 8)]);
}

export function words(...values: number[]): Buffer {
  return element(5, Buffer.from(Int32Array.from(values).buffer));
}

export function text(value: string): Buffer {
  return element(1, Buffer.from(value, 'latin1'));
}

export function matrix(kind: number, shape: readonly number[], name: string, ...content: Buffer[]): Buffer {
  const flags = element(6, Buffer.from(Int32Array.of(kind, 0).buffer));
  return element(14, Buffer.concat([flags, words(...shape), text(name), ...content]));
}

/** A row of numbers of type double. */
export function row(name: string, ...values: number[]): Buffer {
  const numbers = element(9, Buffer.from(Float64Array.from(values).buffer));
  return matrix(DOUBLE, [1, values.length], name, numbers);
}

export function matlabFile(...elements: Buffer[]): Uint8Array {
  const head = Buffer.alloc(128, 0x20);
  head.set([0, 1, 0x49, 0x4d], 124);
  return new Uint8Array(Buffer.concat([head, ...elements]));
}
