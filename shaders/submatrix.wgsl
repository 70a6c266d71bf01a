// Rows and columns of each matrix, gathered by their indices. One thread: one entry of the result.

fn work(index: u32) {
  let j = columnIndices[index % sizes.n];
  let i = rowIndices[(index / sizes.n) % sizes.m];
  let entry = index / (sizes.m * sizes.n);
  out[sizes.offsetOut + index] = a[sizes.offsetA + entry * sizes.rows * sizes.columns + i * sizes.columns + j];
}
