// sum += part, matrix by matrix. One thread: one component.

fn work(index: u32) {
  if (isGoingOn(index / sizes.components)) { sum[index] += part[index]; }
}
