/**
 * Global heaps of HDF5 files, where texts of variable length lie: objects one behind the other, each with its size. The library steps from
 * one to the next by what they say, and would never end where that is nothing.
 */
import { InputError } from '../../errors.ts';

const SIGNATURE = [0x47, 0x43, 0x4f, 0x4c, 1, 0, 0, 0];
const HEADER = 16;

/** @throws InputError for heaps whose objects do not lie in them */
export function checkHeaps(bytes: Uint8Array, file: string): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = bytes.indexOf(SIGNATURE[0]!); at >= 0; at = bytes.indexOf(SIGNATURE[0]!, at + 1)) {
    if (SIGNATURE.every((byte, k) => bytes[at + k] === byte)) checkHeap(view, at, file);
  }
}

function checkHeap(view: DataView, start: number, file: string): void {
  const broken = () => new InputError(`${file}: broken HDF5 file, a global heap holds what is not in it`);
  if (start + HEADER > view.byteLength) throw broken();
  const end = start + Number(view.getBigUint64(start + 8, true));
  if (!(end <= view.byteLength)) throw broken();
  for (let at = start + HEADER; at + HEADER <= end; ) {
    const size = Number(view.getBigUint64(at + 8, true));
    // What is left is number 0, and its size is that of its header too.
    const free = view.getUint16(at, true) === 0;
    const step = free ? size : HEADER + 8 * Math.ceil(size / 8);
    if (!(step >= HEADER && at + step <= end)) throw broken();
    at += step;
  }
}
