// [[a, b], [bᴴ, c]]. One thread: one entry.

fn work(index: u32) {
  let size = sizes.m + sizes.n;
  let j = index % size;
  let i = (index / size) % size;
  let entry = index / (size * size);
  var value: Scalar;
  if (i < sizes.m && j < sizes.m) {
    value = a[sizes.offsetA + (entry * sizes.m + i) * sizes.m + j];
  } else if (i < sizes.m) {
    value = b[sizes.offsetB + (entry * sizes.m + i) * sizes.n + j - sizes.m];
  } else if (j < sizes.m) {
    value = conjugate(b[sizes.offsetB + (entry * sizes.m + j) * sizes.n + i - sizes.m]);
  } else {
    value = c[sizes.offsetC + (entry * sizes.n + i - sizes.m) * sizes.n + j - sizes.m];
  }
  out[sizes.offsetOut + index] = value;
}
