// The columns V of the block that is eliminated, and U = V P with P the inverse of its diagonal block. One thread: one entry of both.

fn work(index: u32) {
  let q = index % sizes.width;
  let i = (index / sizes.width) % sizes.n;
  let entry = index / (sizes.width * sizes.n);
  let size = min(sizes.width, sizes.n - sizes.start);
  let row = sizes.offsetX + (entry * sizes.n + i) * sizes.n + sizes.start;
  var sum = fromReal(0.0);
  var old = fromReal(0.0);
  if (q < size) {
    old = x[row + q];
    for (var p = 0u; p < size; p++) {
      sum += times(x[row + p], pivots[(entry * sizes.width + p) * sizes.width + q]);
    }
  }
  u[index] = sum;
  v[index] = old;
}
