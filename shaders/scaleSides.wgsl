// diag(left) · A · diag(right). A side that is absent is a vector of one number 1, read with stride 0. One thread: one entry.

fn work(index: u32) {
  let j = index % sizes.columns;
  let i = (index / sizes.columns) % sizes.rows;
  let value = scaled(left[i * sizes.strideLeft], a[sizes.offsetA + index]);
  out[sizes.offsetOut + index] = scaled(right[j * sizes.strideRight], value);
}
