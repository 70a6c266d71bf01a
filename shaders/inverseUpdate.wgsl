// One step of symmetric block elimination (the sweep operator, Beaton 1964): with U = V P,
//
//     X_ij − U_i V_jᴴ   outside the block,   U_i in its columns,   −P in the block itself.
//
// One thread: 4 × 4 entries of the lower triangle, mirrored. After all blocks X holds minus its inverse.

fn updated(entry: u32, i: u32, j: u32, change: Scalar) -> Scalar {
  // Unsigned differences are out of range for rows above the block.
  let inBlockI = i - sizes.start;
  let inBlockJ = j - sizes.start;
  let size = min(sizes.width, sizes.n - sizes.start);
  if (inBlockI < size && inBlockJ < size) {
    return -pivots[(entry * sizes.width + inBlockI) * sizes.width + inBlockJ];
  }
  if (inBlockJ < size) { return u[(entry * sizes.n + i) * sizes.width + inBlockJ]; }
  if (inBlockI < size) { return conjugate(u[(entry * sizes.n + j) * sizes.width + inBlockI]); }
  return x[sizes.offsetX + (entry * sizes.n + i) * sizes.n + j] - change;
}

fn store(entry: u32, i: u32, j: u32, change: Scalar) {
  if (i >= sizes.n || j > i) { return; }
  let value = updated(entry, i, j, change);
  let base = sizes.offsetX + entry * sizes.n * sizes.n;
  if (i == j) {
    x[base + i * sizes.n + i] = fromReal(realPart(value));
  } else {
    x[base + i * sizes.n + j] = value;
    x[base + j * sizes.n + i] = conjugate(value);
  }
}

fn storeFour(entry: u32, i: u32, j: u32, changes: Four) {
  store(entry, i, j, first(changes));
  store(entry, i, j + 1u, second(changes));
  store(entry, i, j + 2u, third(changes));
  store(entry, i, j + 3u, fourth(changes));
}

fn work(index: u32) {
  let tiles = (sizes.n + 3u) / 4u;
  let tile = index % (tiles * tiles);
  let entry = index / (tiles * tiles);
  let i = (tile / tiles) * 4u;
  let j = (tile % tiles) * 4u;
  if (j > i) { return; }
  let base = entry * sizes.n * sizes.width;
  let last = sizes.n - 1u;
  let i0 = base + i * sizes.width;
  let i1 = base + min(i + 1u, last) * sizes.width;
  let i2 = base + min(i + 2u, last) * sizes.width;
  let i3 = base + min(i + 3u, last) * sizes.width;
  let j0 = base + j * sizes.width;
  let j1 = base + min(j + 1u, last) * sizes.width;
  let j2 = base + min(j + 2u, last) * sizes.width;
  let j3 = base + min(j + 3u, last) * sizes.width;
  var row0 = noFour();
  var row1 = noFour();
  var row2 = noFour();
  var row3 = noFour();
  for (var q = 0u; q < sizes.width; q++) {
    let y = four(conjugate(v[j0 + q]), conjugate(v[j1 + q]), conjugate(v[j2 + q]), conjugate(v[j3 + q]));
    row0 = accumulated(row0, u[i0 + q], y);
    row1 = accumulated(row1, u[i1 + q], y);
    row2 = accumulated(row2, u[i2 + q], y);
    row3 = accumulated(row3, u[i3 + q], y);
  }
  storeFour(entry, i, j, row0);
  storeFour(entry, i + 1u, j, row1);
  storeFour(entry, i + 2u, j, row2);
  storeFour(entry, i + 3u, j, row3);
}
