/** How MAT-files of version 5 to 7 are told by their header, without what reads them. */

/** Bytes of a text, of the version, and of the order of bytes. */
export const HEADER = 128;

export function isMatlab5(bytes: Uint8Array): boolean {
  const order = String.fromCharCode(bytes[126] ?? 0, bytes[127] ?? 0);
  const version = order === 'IM' ? bytes[125] : bytes[124];
  return bytes.length >= HEADER && (order === 'IM' || order === 'MI') && version === 1;
}
