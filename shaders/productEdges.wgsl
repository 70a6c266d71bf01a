// Entries of the operands of a product that is made in tiles.

/// Zero beyond the edges.
fn entryOfA(base: u32, i: u32, l: u32) -> Scalar {
  if (i >= sizes.m || l >= sizes.k) { return fromReal(0.0); }
  if (adjointA) { return conjugate(a[base + l * sizes.m + i]); }
  return a[base + i * sizes.k + l];
}

fn entryOfB(base: u32, l: u32, j: u32) -> Scalar {
  if (j >= sizes.n || l >= sizes.k) { return fromReal(0.0); }
  if (adjointB) { return conjugate(b[base + j * sizes.k + l]); }
  return b[base + l * sizes.n + j];
}
