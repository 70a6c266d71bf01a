/** Standard normal numbers, the same ones for the same seed (mulberry32, and Box and Muller's transform of its uniform numbers). */
export function normals(seed: number): (length: number) => Float64Array {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    // Not 0, for the logarithm.
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
  return (length) =>
    new Float64Array(length).map(
      () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
    );
}
