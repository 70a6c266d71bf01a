// diag(D) − S. One thread: one entry.

fn work(index: u32) {
  let j = index % sizes.n;
  let i = (index / sizes.n) % sizes.n;
  let value = -s[sizes.offsetS + index];
  if (i == j) {
    out[sizes.offsetOut + index] = fromReal(d[i] + realPart(value));
  } else {
    out[sizes.offsetOut + index] = value;
  }
}
