// op(A)·op(B) as in product.wgsl for large matrices. One workgroup of 16 × 16 threads: a tile of 64 × 64 entries of one product;
// slices of A and B, 16 deep, pass through workgroup memory, inner index first, so that a thread reads four of each at a time.

const side = 64u;
const depth = 16u;

var<workgroup> sliceOfA: array<Scalar, 1024>;
var<workgroup> sliceOfB: array<Scalar, 1024>;

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

fn work(group: u32, local: u32) {
  let tilesDown = (sizes.m + side - 1u) / side;
  let tilesAcross = (sizes.n + side - 1u) / side;
  let tile = group % (tilesDown * tilesAcross);
  let entry = group / (tilesDown * tilesAcross);
  let top = (tile / tilesAcross) * side;
  let left = (tile % tilesAcross) * side;
  if (hermitian && left > top) { return; }
  let baseA = sizes.offsetA + entry * sizes.strideA;
  let baseB = sizes.offsetB + entry * sizes.strideB;
  let i = (local / 16u) * 4u;
  let j = (local % 16u) * 4u;
  var row0 = noFour();
  var row1 = noFour();
  var row2 = noFour();
  var row3 = noFour();
  for (var start = 0u; start < sizes.k; start += depth) {
    for (var part = 0u; part < 4u; part++) {
      let number = part * 256u + local;
      // Neighbouring threads read neighbouring entries, whichever way the operand lies.
      let rowA = select(number / depth, number % side, adjointA);
      let innerA = select(number % depth, number / side, adjointA);
      sliceOfA[innerA * side + rowA] = entryOfA(baseA, top + rowA, start + innerA);
      let columnB = select(number % side, number / depth, adjointB);
      let innerB = select(number / side, number % depth, adjointB);
      sliceOfB[innerB * side + columnB] = entryOfB(baseB, start + innerB, left + columnB);
    }
    workgroupBarrier();
    for (var l = 0u; l < depth; l++) {
      let x = l * side + i;
      let z = l * side + j;
      let y = four(sliceOfB[z], sliceOfB[z + 1u], sliceOfB[z + 2u], sliceOfB[z + 3u]);
      row0 = accumulated(row0, sliceOfA[x], y);
      row1 = accumulated(row1, sliceOfA[x + 1u], y);
      row2 = accumulated(row2, sliceOfA[x + 2u], y);
      row3 = accumulated(row3, sliceOfA[x + 3u], y);
    }
    workgroupBarrier();
  }
  let base = sizes.offsetOut + entry * sizes.m * sizes.n;
  storeFour(base, top + i, left + j, row0);
  storeFour(base, top + i + 1u, left + j, row1);
  storeFour(base, top + i + 2u, left + j, row2);
  storeFour(base, top + i + 3u, left + j, row3);
}
