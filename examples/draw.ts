/**
 * Writes drawn digits as files for `lipsoid certify`: `npx tsx examples/draw.ts 200 digits` makes digits.npy (images [200, 1, 14, 14]) and
 * digits-labels.npy, those that the accuracy of the examples is measured on.
 */
import { writeFileSync } from 'node:fs';
import { drawDigits, SIDE } from './digits.ts';

/** NumPy's format, version 1. */
function npy(type: string, shape: readonly number[], values: Uint8Array): Uint8Array {
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  // The numbers start at a multiple of 64.
  const header = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11);
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 0, 0]);
  start.writeUInt16LE(header.length + 1, 8);
  return Buffer.concat([start, Buffer.from(`${header}\n`, 'latin1'), values]);
}

const [count, name] = [Number(process.argv[2]), process.argv[3]];
if (!(Number.isInteger(count) && count > 0) || !name) {
  throw new Error('usage: npx tsx examples/draw.ts COUNT NAME');
}
const { values, labels } = drawDigits(count, 2);
writeFileSync(`${name}.npy`, npy('<f4', [count, 1, SIDE, SIDE], new Uint8Array(values.buffer)));
writeFileSync(`${name}-labels.npy`, npy('|u1', [count], labels));
