// Where entries of a product go: of one that is known to be Hermitian, `hermitian`, the lower triangle is mirrored.

fn store(base: u32, i: u32, j: u32, value: Scalar) {
  if (i >= sizes.m || j >= sizes.n) { return; }
  if (!hermitian) {
    out[base + i * sizes.n + j] = value;
  } else if (i > j) {
    out[base + i * sizes.n + j] = value;
    out[base + j * sizes.n + i] = conjugate(value);
  } else if (i == j) {
    out[base + i * sizes.n + j] = fromReal(realPart(value));
  }
}

fn storeFour(base: u32, i: u32, j: u32, values: Four) {
  store(base, i, j, first(values));
  store(base, i, j + 1u, second(values));
  store(base, i, j + 2u, third(values));
  store(base, i, j + 3u, fourth(values));
}
