// out_i = the largest of `count` vectors of length n, one after another; NaN wins. One thread: one i.

fn work(index: u32) {
  var most = parts[index];
  for (var part = 1u; part < sizes.count; part++) { most = larger(most, parts[part * sizes.n + index]); }
  out[index] = most;
}
