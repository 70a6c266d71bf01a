// Every batch entry times its factor. One thread: one component.

fn work(index: u32) {
  let entry = index / sizes.components;
  let component = index % sizes.components;
  out[sizes.offsetOut + index] = factors[sizes.first + entry] * a[sizes.offsetA + entry * sizes.strideA + component];
}
