/** How HDF5 files are told by their first bytes, without what reads them. */

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
/** Where a file may begin, behind a block of its user's: MATLAB's are at 512. */
const STARTS = [0, 512, 1024, 2048];

/** Where the file begins behind what its user has put before it; undefined for what is none. */
export function startOf(bytes: Uint8Array): number | undefined {
  return STARTS.find((start) => SIGNATURE.every((byte, k) => bytes[start + k] === byte));
}

export function isHdf5(bytes: Uint8Array): boolean {
  return startOf(bytes) !== undefined;
}
