// Inverse of a diagonal block of up to 16 × 16 entries, by symmetric Gauss-Jordan elimination. One workgroup of 16 × 16 threads: one
// matrix, one thread an entry. The pivots are those of a Cholesky factorisation: all are positive exactly if the whole matrix is
// positive definite, which `definite` notes per matrix.

var<workgroup> column: array<Scalar, 16>;

fn work(group: u32, local: u32) {
  let i = local / 16u;
  let j = local % 16u;
  let size = min(16u, sizes.n - sizes.start);
  // A block at the edge is continued by the identity.
  var value = fromReal(select(0.0, 1.0, i == j));
  if (i < size && j < size) {
    value = x[sizes.offsetX + group * sizes.n * sizes.n + (sizes.start + i) * sizes.n + sizes.start + j];
  }
  var positive = true;
  for (var p = 0u; p < 16u; p++) {
    if (j == p) { column[i] = value; }
    workgroupBarrier();
    let pivot = realPart(column[p]);
    positive = positive && isPositive(asBits(pivot));
    let inverse = 1.0 / pivot;
    let down = column[i];
    let across = conjugate(column[j]);
    if (i == p && j == p) {
      value = fromReal(-inverse);
    } else if (j == p) {
      value = scaled(inverse, down);
    } else if (i == p) {
      value = scaled(inverse, across);
    } else {
      value -= scaled(inverse, times(down, across));
    }
    workgroupBarrier();
  }
  let base = group * sizes.width * sizes.width;
  if (i < size && j < i) {
    pivots[base + i * sizes.width + j] = -value;
    pivots[base + j * sizes.width + i] = -conjugate(value);
  } else if (i < size && j == i) {
    pivots[base + i * sizes.width + i] = fromReal(-realPart(value));
  }
  if (local == 0u) {
    let before = sizes.start == 0u || definite[sizes.first + group] == 1u;
    definite[sizes.first + group] = select(0u, 1u, positive && before);
  }
}
