// diag(left) R diag(left) − diag(subtract). One thread: one entry. Both of a pair are computed from the lower one, so that
// rounding leaves the result Hermitian.

fn work(index: u32) {
  let j = index % sizes.n;
  let i = (index / sizes.n) % sizes.n;
  let base = sizes.offsetR + index - i * sizes.n - j;
  let lower = max(i, j);
  let upper = min(i, j);
  let value = scaled(left[upper], scaled(left[lower], r[base + lower * sizes.n + upper]));
  if (i > j) {
    out[sizes.offsetOut + index] = value;
  } else if (i < j) {
    out[sizes.offsetOut + index] = conjugate(value);
  } else {
    out[sizes.offsetOut + index] = fromReal(realPart(value) - subtract[i * sizes.strideSubtract]);
  }
}
