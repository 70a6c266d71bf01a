/** What the parts of all shards come to, always in the order of the shards. */

export type Combine = (parts: readonly Float64Array[]) => Float64Array;

/** NaN wins. */
export function largestOf(parts: readonly Float64Array[]): Float64Array {
  return parts[0]!.map((_, i) => parts.reduce((most, part) => Math.max(most, part[i]!), -Infinity));
}

/** NaN wins. */
export function leastOf(parts: readonly Float64Array[]): Float64Array {
  return parts[0]!.map((_, i) => parts.reduce((least, part) => Math.min(least, part[i]!), Infinity));
}

export function sumOf(parts: readonly Float64Array[]): Float64Array {
  return parts[0]!.map((_, i) => parts.reduce((sum, part) => sum + part[i]!, 0));
}

/** @param counts how many entries each part is the mean of */
export function meanOf(counts: readonly number[]): Combine {
  const total = counts.reduce((a, b) => a + b, 0);
  return (parts) => sumOf(parts.map((part, k) => part.map((x) => (x * counts[k]!) / total)));
}

export function joined(parts: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** For every shard the part of each entry that is its own, where several attain the largest; undefined where none do. */
export function sharesOf(
  parts: readonly Float64Array[],
  largest: Float64Array,
): readonly Float64Array[] | undefined {
  const attained = largest.map((most, i) => parts.filter((part) => part[i] === most).length);
  if (attained.every((count) => count <= 1)) return undefined;
  return parts.map((part) => part.map((own, i) => (own === largest[i] ? 1 / attained[i]! : 0)));
}
