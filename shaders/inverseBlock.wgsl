// Inverse of a Hermitian block of up to 64 × 64 entries by symmetric Gauss-Jordan elimination: of a diagonal block of x, or, where the
// `whole` matrix is no larger, of diag(D) − S. One workgroup of 16 × 16 threads: one matrix, 4 × 4 entries to a thread in registers. The
// columns of the pivots pass through workgroup memory by turns in two halves of it, so that a pivot costs one barrier. The pivots are those
// of a Cholesky factorisation: all are positive exactly if the whole matrix is positive definite, which `definite` notes per matrix.

const threads = 16u;

var<workgroup> columns: array<Four, 32>;

var<private> row0: Four;
var<private> row1: Four;
var<private> row2: Four;
var<private> row3: Four;
var<private> positive: bool;

/// A block at the edge is continued by the identity.
fn entry(base: u32, size: u32, i: u32, j: u32) -> Scalar {
  if (i >= size || j >= size) { return fromReal(select(0.0, 1.0, i == j)); }
  let value = x[base + i * sizes.n + j];
  if (!whole) { return value; }
  if (i == j) { return fromReal(d[i] - realPart(value)); }
  return -value;
}

fn entries(base: u32, size: u32, i: u32, j: u32) -> Four {
  return four(entry(base, size, i, j), entry(base, size, i, j + 1u), entry(base, size, i, j + 2u), entry(base, size, i, j + 3u));
}

fn column(q: u32) -> Four {
  switch q {
    case 0u: { return four(first(row0), first(row1), first(row2), first(row3)); }
    case 1u: { return four(second(row0), second(row1), second(row2), second(row3)); }
    case 2u: { return four(third(row0), third(row1), third(row2), third(row3)); }
    default: { return four(fourth(row0), fourth(row1), fourth(row2), fourth(row3)); }
  }
}

fn pick(x: Four, q: u32) -> Scalar {
  switch q {
    case 0u: { return first(x); }
    case 1u: { return second(x); }
    case 2u: { return third(x); }
    default: { return fourth(x); }
  }
}

fn replaced(x: Four, q: u32, value: Scalar) -> Four {
  switch q {
    case 0u: { return four(value, second(x), third(x), fourth(x)); }
    case 1u: { return four(first(x), value, third(x), fourth(x)); }
    case 2u: { return four(first(x), second(x), value, fourth(x)); }
    default: { return four(first(x), second(x), third(x), value); }
  }
}

/// Eliminates row and column 4 b + q. Called with literal q, so that every branch on it is decided by the compiler.
fn eliminate(b: u32, q: u32, down: u32, across: u32) {
  let buffer = (q % 2u) * threads;
  if (across == b) { columns[buffer + down] = column(q); }
  workgroupBarrier();
  let pivot = realPart(pick(columns[buffer + b], q));
  positive = positive && isPositive(asBits(pivot));
  let inverse = 1.0 / pivot;
  let mine = columns[buffer + down];
  let theirs = columns[buffer + across];
  let y = four(
    scaled(inverse, conjugate(first(theirs))), scaled(inverse, conjugate(second(theirs))),
    scaled(inverse, conjugate(third(theirs))), scaled(inverse, conjugate(fourth(theirs))));
  row0 = accumulated(row0, -first(mine), y);
  row1 = accumulated(row1, -second(mine), y);
  row2 = accumulated(row2, -third(mine), y);
  row3 = accumulated(row3, -fourth(mine), y);
  if (down == b) {
    switch q {
      case 0u: { row0 = y; }
      case 1u: { row1 = y; }
      case 2u: { row2 = y; }
      default: { row3 = y; }
    }
  }
  if (across == b) {
    row0 = replaced(row0, q, scaled(inverse, first(mine)));
    row1 = replaced(row1, q, scaled(inverse, second(mine)));
    row2 = replaced(row2, q, scaled(inverse, third(mine)));
    row3 = replaced(row3, q, scaled(inverse, fourth(mine)));
    if (down == b) {
      let value = fromReal(-inverse);
      switch q {
        case 0u: { row0 = replaced(row0, 0u, value); }
        case 1u: { row1 = replaced(row1, 1u, value); }
        case 2u: { row2 = replaced(row2, 2u, value); }
        default: { row3 = replaced(row3, 3u, value); }
      }
    }
  }
}

/// The lower triangle, mirrored.
fn store(base: u32, size: u32, i: u32, j: u32, value: Scalar) {
  if (i >= size || j > i) { return; }
  if (i == j) {
    inverses[base + i * sizes.width + i] = fromReal(-realPart(value));
  } else {
    inverses[base + i * sizes.width + j] = -value;
    inverses[base + j * sizes.width + i] = -conjugate(value);
  }
}

fn storeFour(base: u32, size: u32, i: u32, j: u32, values: Four) {
  store(base, size, i, j, first(values));
  store(base, size, i, j + 1u, second(values));
  store(base, size, i, j + 2u, third(values));
  store(base, size, i, j + 3u, fourth(values));
}

fn work(group: u32, local: u32) {
  let down = local / threads;
  let across = local % threads;
  let i = down * 4u;
  let j = across * 4u;
  let size = min(sizes.width, sizes.n - sizes.start);
  let source = sizes.offsetX + group * sizes.n * sizes.n + sizes.start * sizes.n + sizes.start;
  row0 = entries(source, size, i, j);
  row1 = entries(source, size, i + 1u, j);
  row2 = entries(source, size, i + 2u, j);
  row3 = entries(source, size, i + 3u, j);
  positive = true;
  for (var b = 0u; b < (size + 3u) / 4u; b++) {
    eliminate(b, 0u, down, across);
    eliminate(b, 1u, down, across);
    eliminate(b, 2u, down, across);
    eliminate(b, 3u, down, across);
  }
  let destination = sizes.offsetOut + group * sizes.width * sizes.width;
  storeFour(destination, size, i, j, row0);
  storeFour(destination, size, i + 1u, j, row1);
  storeFour(destination, size, i + 2u, j, row2);
  storeFour(destination, size, i + 3u, j, row3);
  if (local == 0u) {
    let before = sizes.start == 0u || definite[sizes.first + group] == 1u;
    definite[sizes.first + group] = select(0u, 1u, positive && before);
  }
}
