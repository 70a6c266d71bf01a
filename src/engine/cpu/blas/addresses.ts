/**
 * Routines of OpenBLAS on matrices that are given by their addresses: what a thread of a team calls, the workers from a copy of this file.
 * Conventions as in library.ts.
 */

/** All parameters are numbers: addresses where C has pointers. */
export type AddressRoutine = (...values: number[]) => void;

export interface AddressRoutines {
  readonly setThreads: AddressRoutine;
  readonly dgemm: AddressRoutine;
  readonly zgemm: AddressRoutine;
  readonly dsyrk: AddressRoutine;
  readonly zherk: AddressRoutine;
  readonly dpotrf: AddressRoutine;
  readonly zpotrf: AddressRoutine;
  readonly dpotri: AddressRoutine;
  readonly zpotri: AddressRoutine;
}

/** @param library as koffi loads it */
export function addressRoutines(library: { func(declaration: string): unknown }): AddressRoutines {
  const routine = (declaration: string) => library.func(declaration) as AddressRoutine;
  const at = 'uintptr_t';
  const product = (scalar: string) =>
    `(int, int, int, int, int, int, ${scalar}, ${at}, int, ${at}, int, ${scalar}, ${at}, int)`;
  const rankUpdate = `(int, int, int, int, int, double, ${at}, int, double, ${at}, int)`;
  const factor = `(${at}, ${at}, ${at}, ${at}, ${at}, int64_t)`;
  return {
    setThreads: routine('void openblas_set_num_threads(int)'),
    dgemm: routine(`void cblas_dgemm${product('double')}`),
    zgemm: routine(`void cblas_zgemm${product(at)}`),
    dsyrk: routine(`void cblas_dsyrk${rankUpdate}`),
    zherk: routine(`void cblas_zherk${rankUpdate}`),
    dpotrf: routine(`void dpotrf_${factor}`),
    zpotrf: routine(`void zpotrf_${factor}`),
    dpotri: routine(`void dpotri_${factor}`),
    zpotri: routine(`void zpotri_${factor}`),
  };
}

/** Where a thread finds OpenBLAS. */
export interface BlasLocation {
  /** Path of the package koffi. */
  readonly koffi: string;
  /** File name of the library. */
  readonly library: string;
}

/** OpenBLAS for a team: as its caller has it, and as workers find it. */
export interface TeamBlas extends BlasLocation {
  readonly routines: AddressRoutines;
  /** How many threads may call it at once. */
  readonly mostThreads: number;
  /** Address of an array's first byte. */
  addressOf(array: ArrayBufferView): number;
}
