/**
 * Which of its kernels OpenBLAS is to take. It knows processors by their numbers, and on those that are younger than itself falls back to
 * kernels of 2004: on a Xeon of 2023, version 0.3.21 multiplies at a sixth of the speed that its own AVX-512 kernels reach there.
 * What a processor can do says more than its number.
 */
import { importInNode } from '../host.ts';

/** The environment variable by which OpenBLAS is told, before it is loaded. */
export const CORE_TYPE = 'OPENBLAS_CORETYPE';

/** What its kernels for Skylake servers need of a processor, and those for desktops since Haswell. */
const AVX512 = ['avx512f', 'avx512dq', 'avx512cd', 'avx512bw', 'avx512vl'];
const AVX2 = ['avx2', 'fma'];

/**
 * OpenBLAS's name for the kernels that fit a processor best; undefined where its own choice is as good.
 * @param description as Linux has it in /proc/cpuinfo
 */
export function coreTypeFor(description: string): string | undefined {
  const field = (name: string) => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(description)?.[1] ?? '';
  const features = new Set(field('flags').split(' '));
  const has = (wanted: readonly string[]) => wanted.every((feature) => features.has(feature));
  if (has(AVX512)) return 'SkylakeX';
  if (has(AVX2)) return field('vendor_id') === 'GenuineIntel' ? 'Haswell' : 'Zen';
  return undefined;
}

/** The same of this machine. */
export async function coreTypeHere(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const { readFile } = await importInNode<typeof import('node:fs/promises')>('node:fs/promises');
  return coreTypeFor(await readFile('/proc/cpuinfo', 'utf8').catch(() => ''));
}

/**
 * Tells OpenBLAS, which is to be loaded next, unless somebody has told it already or it may not be told (Deno without the permission).
 * @returns what is to be called then: others who are started from here make their own choice
 */
export async function chooseCoreType(): Promise<() => void> {
  try {
    const chosen = process.env[CORE_TYPE] === undefined ? await coreTypeHere() : undefined;
    if (chosen === undefined) return () => {};
    process.env[CORE_TYPE] = chosen;
    return () => void delete process.env[CORE_TYPE];
  } catch {
    return () => {};
  }
}
