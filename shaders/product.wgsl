// op(A)·op(B), op the identity or the conjugate transpose. One thread: 4 × 4 entries of one product, from registers alone.
// With `hermitian` the result is known to be Hermitian: the lower triangle is computed and mirrored.

fn entryOfA(base: u32, i: u32, l: u32) -> Scalar {
  if (adjointA) { return conjugate(a[base + l * sizes.m + i]); }
  return a[base + i * sizes.k + l];
}

fn entryOfB(base: u32, l: u32, j: u32) -> Scalar {
  if (adjointB) { return conjugate(b[base + j * sizes.k + l]); }
  return b[base + l * sizes.n + j];
}

fn work(index: u32) {
  let tilesDown = (sizes.m + 3u) / 4u;
  let tilesAcross = (sizes.n + 3u) / 4u;
  let tile = index % (tilesDown * tilesAcross);
  let entry = index / (tilesDown * tilesAcross);
  let i = (tile / tilesAcross) * 4u;
  let j = (tile % tilesAcross) * 4u;
  if ((hermitian && j > i) || !isGoingOn(entry)) { return; }
  let baseA = sizes.offsetA + entry * sizes.strideA;
  let baseB = sizes.offsetB + entry * sizes.strideB;
  // Rows and columns beyond the edge repeat the last one and are not stored.
  let i1 = min(i + 1u, sizes.m - 1u);
  let i2 = min(i + 2u, sizes.m - 1u);
  let i3 = min(i + 3u, sizes.m - 1u);
  let j1 = min(j + 1u, sizes.n - 1u);
  let j2 = min(j + 2u, sizes.n - 1u);
  let j3 = min(j + 3u, sizes.n - 1u);
  var row0 = noFour();
  var row1 = noFour();
  var row2 = noFour();
  var row3 = noFour();
  for (var l = 0u; l < sizes.k; l++) {
    let y = four(entryOfB(baseB, l, j), entryOfB(baseB, l, j1), entryOfB(baseB, l, j2), entryOfB(baseB, l, j3));
    row0 = accumulated(row0, entryOfA(baseA, i, l), y);
    row1 = accumulated(row1, entryOfA(baseA, i1, l), y);
    row2 = accumulated(row2, entryOfA(baseA, i2, l), y);
    row3 = accumulated(row3, entryOfA(baseA, i3, l), y);
  }
  let base = sizes.offsetOut + entry * sizes.m * sizes.n;
  storeFour(base, i, j, row0);
  storeFour(base, i + 1u, j, row1);
  storeFour(base, i + 2u, j, row2);
  storeFour(base, i + 3u, j, row3);
}
