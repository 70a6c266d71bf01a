/** What a dispatch takes: operations, and bytes that it reads and writes, from its kernel's name and its uniform. */
import type { Dispatch } from './idleGpu.ts';

export interface Work {
  /** Floating-point operations of products and inverses; a complex multiply-add counts 8, a Hermitian product half. */
  readonly operations: number;
  /** Every operand and result once. */
  readonly bytes: number;
}

/** Threads of a workgroup, and entries on a side of what a thread of `product` and a workgroup of `productTiled` compute; one of `productLarge` computes
 *  twice as many columns, and of real matrices rows. */
const threads = 64;
const block = 4;
const tile = 64;

/** @param dispatch whole, or a range of the workgroups of a long one */
export function workOf(dispatch: Dispatch): Work {
  return { operations: operationsOf(dispatch), bytes: bytesOf(dispatch) };
}

function operationsOf({ kernel, complex, constants, sizes: all }: Dispatch): number {
  const sizes = all as Readonly<Record<string, number>> & {
    readonly firstGroup: number;
    readonly end: number;
  };
  const each = complex ? 8 : 2;
  const inThreads = sizes.end - sizes.firstGroup * threads;
  switch (kernel) {
    case 'product':
    case 'productTiled':
    case 'productLarge': {
      const { m = 0, n = 0, k = 0 } = sizes;
      const [rows, columns] = {
        product: [block, block],
        productTiled: [tile, tile],
        productLarge: [complex ? tile : 2 * tile, 2 * tile],
      }[kernel] as [number, number];
      const count = kernel === 'product' ? inThreads : sizes.end - sizes.firstGroup;
      const products = count / (Math.ceil(m / rows) * Math.ceil(n / columns));
      return (products * each * m * n * k) / (constants.has('hermitian') ? 2 : 1);
    }
    case 'inverseUpdate': {
      const { n = 0, width = 0 } = sizes;
      return ((inThreads / Math.ceil(n / block) ** 2) * each * n * n * width) / 2;
    }
    case 'windowSum': {
      // Of every complex product the real part alone.
      const { m = 0, k = 0, entries = 0, share = 1 } = sizes;
      const whole = Math.ceil(entries / share) * Math.ceil(m / block) ** 2;
      return ((inThreads / whole) * (each / (complex ? 2 : 1)) * entries * m * m * k) / 2;
    }
    case 'symbol': {
      const { count = 0, entries = 0, frequencies = 0 } = sizes;
      return (inThreads / (Math.ceil(frequencies / block) * entries)) * 4 * count * entries * frequencies;
    }
    default:
      return 0;
  }
}

/** Of the matrices that a block is eliminated from, these kernels touch no more than the strips that they write. */
const STRIPS: ReadonlySet<string> = new Set(['inversePivot', 'inversePanel']);

function bytesOf({ kernel, sizes, buffers }: Dispatch): number {
  // A range of a dispatch that is cut counts as part of the first.
  if (sizes.firstGroup !== 0) return 0;
  return Object.entries(buffers).reduce(
    (sum, [name, bytes]) => (name === 'x' && STRIPS.has(kernel) ? sum : sum + bytes),
    0,
  );
}
