// Every batch entry `count` times, divided by `count`. One thread: one component of one copy.

fn work(index: u32) {
  let component = index % sizes.components;
  let copy = sizes.firstOut + index / sizes.components;
  out[sizes.offsetOut + index] = g[(copy / sizes.count - sizes.firstIn) * sizes.components + component] * sizes.factor;
}
