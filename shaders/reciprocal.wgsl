// 1 / a entry by entry. One thread: one entry.

fn work(index: u32) {
  out[index] = 1.0 / a[index];
}
