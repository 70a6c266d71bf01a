/**
 * The `count`-th roots of unity e^{2πik/count}, k = 0 … count − 1, as interleaved (re, im).
 * Angles are reduced to an eighth of a turn before the library's sine and cosine see them, so that every entry is
 * within an ulp or so of the truth and conjugate and opposite roots match to the last bit.
 */
export function rootsOfUnity(count: number): Float64Array {
  const roots = new Float64Array(2 * count);
  for (let k = 0; k < count; k++) rootOfUnity(k, count, roots, 2 * k);
  return roots;
}

/** The k-th of them, 0 ≤ k < count, into `to[at]` and `to[at + 1]`. `count` is a whole number up to 2⁵⁰. */
export function rootOfUnity(k: number, count: number, to: Float64Array, at: number): void {
  // 8k = octant · count + rest: the angle is octant · 45° + rest/count · 45°.
  const octant = Math.floor((8 * k) / count);
  const rest = 8 * k - octant * count;
  const odd = octant % 2 === 1;
  const angle = ((odd ? count - rest : rest) / count) * (Math.PI / 4);
  // At an eighth of a turn sine and cosine are one number, which the library rounds two ways.
  const near = odd && rest === 0 ? Math.SQRT1_2 : Math.cos(angle);
  const far = odd && rest === 0 ? Math.SQRT1_2 : Math.sin(angle);
  const [x, y] = odd ? [far, near] : [near, far];
  const quarter = octant >> 1;
  // + 0: no negative zeros.
  to[at] = (quarter === 0 ? x : quarter === 1 ? -y : quarter === 2 ? -x : y) + 0;
  to[at + 1] = (quarter === 0 ? y : quarter === 1 ? x : quarter === 2 ? -y : -x) + 0;
}
