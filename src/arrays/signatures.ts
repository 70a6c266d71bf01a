/** How files of arrays are told by their first bytes, without what reads them. */

export function isZip(start: Uint8Array): boolean {
  return start[0] === 0x50 && start[1] === 0x4b && (start[2] === 3 || start[2] === 5);
}

export function isSafetensors(start: Uint8Array, name: string): boolean {
  return /\.safetensors$/i.test(name) || (start[6] === 0 && start[7] === 0 && start[8] === 0x7b);
}
