/**
 * The system's OpenBLAS through koffi (Node only): the handful of routines the kernels call.
 *
 * cblas_* take the row-major order. LAPACK's Fortran routines are column-major, take scalars by pointer, and want the
 * length of each character argument appended (a hidden 64-bit integer; see GCC bug 90329).
 */
import { InputError } from '../../../errors.ts';
import { importInNode, isNode } from '../host.ts';
import { addressRoutines, type TeamBlas } from './addresses.ts';
import { chooseCoreType } from './coreType.ts';

/** A foreign function, called at once or on koffi's own threads. */
export type Routine = (wait: 'blocking' | 'in background', ...values: unknown[]) => Promise<void>;

export interface Library {
  /** As the library names itself: version, options, the processor that its kernels are for. */
  readonly configuration: string;
  setThreads(count: number): void;
  /** The routines that take addresses, and where other threads find the same library; undefined where it is not made to be called by several
   *  threads at once. */
  readonly byAddress: TeamBlas | undefined;
  readonly dgemm: Routine;
  readonly zgemm: Routine;
  readonly dsyrk: Routine;
  readonly zherk: Routine;
  readonly dsymv: Routine;
  readonly zhemv: Routine;
  readonly dpotrf: Routine;
  readonly zpotrf: Routine;
  readonly dpotri: Routine;
  readonly zpotri: Routine;
}

/** File names of the library on each platform, in the order in which they are tried. */
const fileNames: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ['libopenblas.so.0', 'libopenblas.so'],
  darwin: [
    'libopenblas.0.dylib',
    'libopenblas.dylib',
    '/opt/homebrew/opt/openblas/lib/libopenblas.dylib',
    '/usr/local/opt/openblas/lib/libopenblas.dylib',
  ],
  win32: ['libopenblas.dll', 'openblas.dll'],
};

const advice = 'install OpenBLAS (Debian: libopenblas0-pthread) or choose the engine cpu-wasm';

/** @param names file names to try instead of the platform's own.
 *  @throws InputError when there is no usable library: what was tried, and what to install. */
export async function loadLibrary(names?: readonly string[]): Promise<Library> {
  if (!isNode())
    throw new InputError('cpu-blas: native libraries need Node, got another host; choose cpu-wasm');
  let koffi: typeof import('koffi');
  try {
    koffi = (await importInNode<{ default: typeof import('koffi') }>('koffi')).default;
  } catch (error) {
    throw new InputError(`cpu-blas: the package koffi must load, got ${reason(error)}`, { cause: error });
  }
  const attempts: string[] = [];
  const forget = await chooseCoreType();
  try {
    for (const name of names ?? fileNames[process.platform] ?? []) {
      try {
        return bind(koffi, name, await koffiPath());
      } catch (error) {
        attempts.push(`${name} (${reason(error)})`);
      }
    }
  } finally {
    forget();
  }
  throw new InputError(`cpu-blas: OpenBLAS must load, tried ${attempts.join(', ') || 'nothing'}; ${advice}`);
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Where the package lies, for those who cannot resolve its name; undefined where it is not known. */
async function koffiPath(): Promise<string | undefined> {
  try {
    const { createRequire } = await importInNode<typeof import('node:module')>('node:module');
    return createRequire(import.meta.url).resolve('koffi');
  } catch {
    return undefined;
  }
}

function bind(koffi: typeof import('koffi'), name: string, path: string | undefined): Library {
  const library = koffi.load(name);
  const configuration = library.func('const char *openblas_get_config()')() as string;
  if (configuration.includes('USE64BITINT'))
    throw new Error(`64-bit integers, got "${configuration.trim()}"`);
  // 0 is said by libraries that are built for one thread, and may share what each call works with.
  const parallel = library.func('int openblas_get_parallel()')() as number;
  const setThreads = library.func('void openblas_set_num_threads(int)');
  const routine = (declaration: string): Routine => {
    const call = library.func(declaration);
    return async (wait, ...values) => {
      switch (wait) {
        case 'blocking':
          call(...values);
          return;
        case 'in background':
          await new Promise<void>((resolve, reject) => {
            call.async(...values, (error: Error | null) => (error ? reject(error) : resolve()));
          });
          return;
        default:
          wait satisfies never;
      }
    };
  };
  const product = (scalar: string) =>
    `(int, int, int, int, int, int, ${scalar}, double *, int, double *, int, ${scalar}, double *, int)`;
  const rankUpdate = '(int, int, int, int, int, double, double *, int, double, double *, int)';
  const timesVector = (scalar: string) =>
    `(int, int, int, ${scalar}, double *, int, double *, int, ${scalar}, double *, int)`;
  const factor = '(const char *, int *, double *, int *, _Out_ int *, int64_t)';
  return {
    configuration: configuration.trim(),
    setThreads: (count) => setThreads(count),
    byAddress:
      path === undefined || parallel === 0
        ? undefined
        : {
            ...{ koffi: path, library: name, routines: addressRoutines(library) },
            // Each call takes one of the places that it was built with.
            mostThreads: Number(/MAX_THREADS=(\d+)/.exec(configuration)?.[1] ?? 8),
            addressOf: (array) => Number(koffi.address(array)),
          },
    dgemm: routine(`void cblas_dgemm${product('double')}`),
    zgemm: routine(`void cblas_zgemm${product('double *')}`),
    dsyrk: routine(`void cblas_dsyrk${rankUpdate}`),
    zherk: routine(`void cblas_zherk${rankUpdate}`),
    dsymv: routine(`void cblas_dsymv${timesVector('double')}`),
    zhemv: routine(`void cblas_zhemv${timesVector('double *')}`),
    dpotrf: routine(`void dpotrf_${factor}`),
    zpotrf: routine(`void zpotrf_${factor}`),
    dpotri: routine(`void dpotri_${factor}`),
    zpotri: routine(`void zpotri_${factor}`),
  };
}
