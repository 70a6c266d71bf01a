// alpha · a + beta · b; vectors of length 1 are read with stride 0. One thread: one entry.

fn work(index: u32) {
  out[index] = sizes.alpha * a[index * sizes.strideA] + sizes.beta * b[index * sizes.strideB];
}
