/**
 * Runs one call of the Wasm module: places its regions in the module's memory, calls, shows where the results are.
 * Knows no operation, so that the worker, which carries a copy of this file, never changes with them.
 */

/** A call of an exported function: pointers to the regions come first, then the scalars. */
export interface Call {
  readonly entry: 'product' | 'cholesky' | 'inverse';
  /** Data to place in memory, or the length in doubles of a region that the call fills. */
  readonly regions: readonly (Float64Array | number)[];
  readonly scalars: readonly number[];
  /** Indices of the regions that hold results, in the order in which they are wanted. */
  readonly results: readonly number[];
}

const pageBytes = 65536;

/** The results, as views of the module's memory that the next call overwrites.
 *  @throws RangeError when the memory cannot grow to hold the regions (4 GiB at most). */
export function perform(instance: WebAssembly.Instance, call: Call): Float64Array[] {
  const memory = instance.exports.memory as WebAssembly.Memory;
  const heapBase = instance.exports.heapBase as WebAssembly.Global;
  const entry = instance.exports[call.entry] as (...values: number[]) => void;

  let end = heapBase.value as number;
  const pointers = call.regions.map((region) => {
    const pointer = Math.ceil(end / 16) * 16;
    end = pointer + 8 * (typeof region === 'number' ? region : region.length);
    return pointer;
  });
  const missing = end - memory.buffer.byteLength;
  if (missing > 0) {
    try {
      memory.grow(Math.ceil(missing / pageBytes));
    } catch {
      throw new RangeError(
        `${call.entry}: the Wasm memory must hold the operands, got ${Math.ceil(end / 2 ** 20)} MiB`,
      );
    }
  }
  call.regions.forEach((region, index) => {
    if (typeof region !== 'number')
      new Float64Array(memory.buffer, pointers[index], region.length).set(region);
  });
  entry(...pointers, ...call.scalars);
  return call.results.map((index) => {
    const region = call.regions[index]!;
    const length = typeof region === 'number' ? region : region.length;
    return new Float64Array(memory.buffer, pointers[index], length);
  });
}
