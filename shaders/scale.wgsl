// alpha · a. One thread: one entry.

fn work(index: u32) {
  out[index] = sizes.alpha * a[index];
}
