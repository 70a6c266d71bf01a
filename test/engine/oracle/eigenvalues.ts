/** Eigenvalues of a real symmetric matrix by Jacobi's cyclic rotations: slow, and accurate for every spectrum. */
export function jacobiEigenvalues(matrix: ArrayLike<number>, n: number): number[] {
  const a = Float64Array.from(matrix);
  const norm = Math.hypot(...a.subarray(0, n), ...a.subarray(n));
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const apq = a[p * n + q]!;
        off = Math.max(off, Math.abs(apq));
        if (Math.abs(apq) <= 1e-18 * norm) continue;
        const theta = (a[q * n + q]! - a[p * n + p]!) / (2 * apq);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let k = 0; k < n; k++) {
          const akp = a[k * n + p]!;
          const akq = a[k * n + q]!;
          a[k * n + p] = c * akp - s * akq;
          a[k * n + q] = s * akp + c * akq;
        }
        for (let k = 0; k < n; k++) {
          const apk = a[p * n + k]!;
          const aqk = a[q * n + k]!;
          a[p * n + k] = c * apk - s * aqk;
          a[q * n + k] = s * apk + c * aqk;
        }
      }
    }
    if (off <= 1e-16 * norm) return Array.from({ length: n }, (_, i) => a[i * n + i]!);
  }
  throw new Error('jacobi: must converge within 60 sweeps, did not');
}
