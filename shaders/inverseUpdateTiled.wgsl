// The step of inverseUpdate.wgsl for real GPUs. One workgroup of 16 × 16 threads: a tile of 64 × 64 entries of the lower triangle of one
// matrix, 4 × 4 to a thread, mirrored. Slices of U and V, 16 deep, pass through workgroup memory in fours of neighbouring rows.

const side = 64u;
const depth = 16u;
const fours = 16u;

var<workgroup> sliceOfU: array<Four, 256>;
var<workgroup> sliceOfV: array<Four, 256>;

/// Zero beyond the edges.
fn entryOfU(base: u32, i: u32, q: u32) -> Scalar {
  if (i >= sizes.n || q >= sizes.width) { return fromReal(0.0); }
  return u[base + i * sizes.width + q];
}

fn entryOfV(base: u32, j: u32, q: u32) -> Scalar {
  if (j >= sizes.n || q >= sizes.width) { return fromReal(0.0); }
  return conjugate(v[base + j * sizes.width + q]);
}

/// The lower triangle, mirrored.
fn put(entry: u32, i: u32, j: u32, value: Scalar) {
  let base = sizes.offsetX + entry * sizes.n * sizes.n;
  if (i == j) {
    x[base + i * sizes.n + i] = fromReal(realPart(value));
  } else {
    x[base + i * sizes.n + j] = value;
    x[base + j * sizes.n + i] = conjugate(value);
  }
}

fn subtract(entry: u32, i: u32, j: u32, change: Scalar) {
  if (i >= sizes.n || j > i) { return; }
  put(entry, i, j, x[sizes.offsetX + (entry * sizes.n + i) * sizes.n + j] - change);
}

fn subtractFour(entry: u32, i: u32, j: u32, changes: Four) {
  subtract(entry, i, j, first(changes));
  subtract(entry, i, j + 1u, second(changes));
  subtract(entry, i, j + 2u, third(changes));
  subtract(entry, i, j + 3u, fourth(changes));
}

/// A tile in the rows or the columns of the block: U, or −P in the block itself.
fn replaceTile(entry: u32, top: u32, left: u32, local: u32) {
  for (var k = local; k < side * side; k += fours * fours) {
    let i = top + k / side;
    let j = left + k % side;
    if (i >= sizes.n || j > i) { continue; }
    if (top == left) {
      put(entry, i, j, -pivots[(entry * sizes.width + i - top) * sizes.width + j - left]);
    } else if (left == sizes.start) {
      put(entry, i, j, u[(entry * sizes.n + i) * sizes.width + j - left]);
    } else {
      put(entry, i, j, conjugate(u[(entry * sizes.n + j) * sizes.width + i - top]));
    }
  }
}

fn work(group: u32, local: u32) {
  let tiles = (sizes.n + side - 1u) / side;
  let tile = group % (tiles * tiles);
  let entry = group / (tiles * tiles);
  let top = (tile / tiles) * side;
  let left = (tile % tiles) * side;
  if (left > top) { return; }
  // Blocks begin where tiles do.
  if (top == sizes.start || left == sizes.start) {
    replaceTile(entry, top, left, local);
    return;
  }
  let base = entry * sizes.n * sizes.width;
  let down = local / fours;
  let across = local % fours;
  var row0 = noFour();
  var row1 = noFour();
  var row2 = noFour();
  var row3 = noFour();
  for (var start = 0u; start < sizes.width; start += depth) {
    // Neighbouring threads read neighbouring columns.
    let q = start + across;
    let i = top + down * 4u;
    let j = left + down * 4u;
    sliceOfU[across * fours + down] = four(
      entryOfU(base, i, q), entryOfU(base, i + 1u, q), entryOfU(base, i + 2u, q), entryOfU(base, i + 3u, q));
    sliceOfV[across * fours + down] = four(
      entryOfV(base, j, q), entryOfV(base, j + 1u, q), entryOfV(base, j + 2u, q), entryOfV(base, j + 3u, q));
    workgroupBarrier();
    for (var l = 0u; l < depth; l++) {
      let y = sliceOfU[l * fours + down];
      let z = sliceOfV[l * fours + across];
      row0 = accumulated(row0, first(y), z);
      row1 = accumulated(row1, second(y), z);
      row2 = accumulated(row2, third(y), z);
      row3 = accumulated(row3, fourth(y), z);
    }
    workgroupBarrier();
  }
  let i = top + down * 4u;
  let j = left + across * 4u;
  subtractFour(entry, i, j, row0);
  subtractFour(entry, i + 1u, j, row1);
  subtractFour(entry, i + 2u, j, row2);
  subtractFour(entry, i + 3u, j, row3);
}
