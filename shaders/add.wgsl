// A + B. One thread: one component.

fn work(index: u32) {
  out[sizes.offsetOut + index] = a[sizes.offsetA + index] + b[sizes.offsetB + index];
}
