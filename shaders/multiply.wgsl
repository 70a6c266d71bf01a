// a · b entry by entry; vectors of length 1 are read with stride 0. One thread: one entry.

fn work(index: u32) {
  out[index] = a[index * sizes.strideA] * b[index * sizes.strideB];
}
