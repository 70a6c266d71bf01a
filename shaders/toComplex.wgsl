// Real entries as complex ones. One thread: one entry.

fn work(index: u32) {
  out[sizes.offsetOut + index] = vec2f(a[sizes.offsetA + index], 0.0);
}
