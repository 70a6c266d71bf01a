// Inverse of a diagonal block of up to 64 × 64 entries, by symmetric Gauss-Jordan elimination. One workgroup of 16 × 16 threads: one
// matrix, 4 × 4 entries of the block to a thread, in registers. The pivots are those of a Cholesky factorisation: all are positive exactly
// if the whole matrix is positive definite, which `definite` notes per matrix.

var<workgroup> column: array<Scalar, 64>;

fn work(group: u32, local: u32) {
  let down = (local / 16u) * 4u;
  let across = (local % 16u) * 4u;
  let size = min(sizes.width, sizes.n - sizes.start);
  let corner = sizes.offsetX + (group * sizes.n + sizes.start) * sizes.n + sizes.start;
  // A block at the edge is continued by the identity.
  var values: array<Scalar, 16>;
  for (var e = 0u; e < 16u; e++) {
    let i = down + e / 4u;
    let j = across + e % 4u;
    values[e] = fromReal(select(0.0, 1.0, i == j));
    if (i < size && j < size) { values[e] = x[corner + i * sizes.n + j]; }
  }
  var positive = true;
  for (var p = 0u; p < size; p++) {
    for (var e = 0u; e < 16u; e++) {
      if (across + e % 4u == p) { column[down + e / 4u] = values[e]; }
    }
    workgroupBarrier();
    let pivot = realPart(column[p]);
    positive = positive && isPositive(asBits(pivot));
    let inverse = 1.0 / pivot;
    for (var e = 0u; e < 16u; e++) {
      let i = down + e / 4u;
      let j = across + e % 4u;
      let left = scaled(inverse, column[i]);
      let right = conjugate(column[j]);
      if (i == p && j == p) {
        values[e] = fromReal(-inverse);
      } else if (j == p) {
        values[e] = left;
      } else if (i == p) {
        values[e] = scaled(inverse, right);
      } else {
        values[e] -= times(left, right);
      }
    }
    workgroupBarrier();
  }
  let base = group * sizes.width * sizes.width;
  for (var e = 0u; e < 16u; e++) {
    let i = down + e / 4u;
    let j = across + e % 4u;
    if (i < size && j < i) {
      pivots[base + i * sizes.width + j] = -values[e];
      pivots[base + j * sizes.width + i] = -conjugate(values[e]);
    } else if (i < size && j == i) {
      pivots[base + i * sizes.width + i] = fromReal(-realPart(values[e]));
    }
  }
  if (local == 0u) {
    let before = sizes.start == 0u || definite[sizes.first + group] == 1u;
    definite[sizes.first + group] = select(0u, 1u, positive && before);
  }
}
