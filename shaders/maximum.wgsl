// The larger of a and b entry by entry, NaN wins; vectors of length 1 are read with stride 0. One thread: one entry.

fn work(index: u32) {
  out[index] = larger(a[index * sizes.strideA], b[index * sizes.strideB]);
}
