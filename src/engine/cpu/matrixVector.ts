/** y = A x in plain JavaScript for one square matrix n × n, row-major, complex entries interleaved. */
export function multiplyVector(
  a: Float64Array,
  x: Float64Array,
  y: Float64Array,
  n: number,
  complex: boolean,
): void {
  if (complex) complexTimes(a, x, y, n);
  else realTimes(a, x, y, n);
}

/** With four sums at a time for the processor to overlap. */
function realTimes(a: Float64Array, x: Float64Array, y: Float64Array, n: number): void {
  const even = n - (n % 4);
  for (let i = 0; i < n; i++) {
    const row = i * n;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let j = 0; j < even; j += 4) {
      s0 += a[row + j]! * x[j]!;
      s1 += a[row + j + 1]! * x[j + 1]!;
      s2 += a[row + j + 2]! * x[j + 2]!;
      s3 += a[row + j + 3]! * x[j + 3]!;
    }
    for (let j = even; j < n; j++) s0 += a[row + j]! * x[j]!;
    y[i] = s0 + s1 + (s2 + s3);
  }
}

function complexTimes(a: Float64Array, x: Float64Array, y: Float64Array, n: number): void {
  let at = 0;
  for (let i = 0; i < n; i++) {
    let rr = 0;
    let ii = 0;
    let ri = 0;
    let ir = 0;
    for (let j = 0; j < 2 * n; j += 2, at += 2) {
      rr += a[at]! * x[j]!;
      ii += a[at + 1]! * x[j + 1]!;
      ri += a[at]! * x[j + 1]!;
      ir += a[at + 1]! * x[j]!;
    }
    y[2 * i] = rr - ii;
    y[2 * i + 1] = ri + ir;
  }
}
