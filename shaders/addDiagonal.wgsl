// S + diag(d), the same d for every batch entry. One thread: one entry.

fn work(index: u32) {
  let j = index % sizes.n;
  let i = (index / sizes.n) % sizes.n;
  let value = s[sizes.offsetS + index];
  out[sizes.offsetOut + index] = value;
  if (i == j) { out[sizes.offsetOut + index] = value + fromReal(d[i]); }
}
