// diag(d). One thread: one entry.

fn work(index: u32) {
  let j = index % sizes.n;
  let i = index / sizes.n;
  var value = fromReal(0.0);
  if (i == j) { value = fromReal(d[i]); }
  out[index] = value;
}
