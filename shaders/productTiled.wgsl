// op(A)·op(B) as in product.wgsl for large matrices. One workgroup of 16 × 16 threads: a tile of 64 × 64 entries of one product, 4 × 4
// to a thread. Slices of A and B, 16 deep, pass through workgroup memory in fours of neighbouring rows of A and columns of B, so that
// every step of the inner loop is two reads and 16 multiplications.

const side = 64u;
const depth = 16u;
const fours = 16u;

var<workgroup> sliceOfA: array<Four, 256>;
var<workgroup> sliceOfB: array<Four, 256>;

fn work(group: u32, local: u32) {
  let tilesDown = (sizes.m + side - 1u) / side;
  let tilesAcross = (sizes.n + side - 1u) / side;
  let tile = group % (tilesDown * tilesAcross);
  let entry = group / (tilesDown * tilesAcross);
  let top = (tile / tilesAcross) * side;
  let left = (tile % tilesAcross) * side;
  if ((hermitian && left > top) || !isGoingOn(entry)) { return; }
  let baseA = sizes.offsetA + entry * sizes.strideA;
  let baseB = sizes.offsetB + entry * sizes.strideB;
  let down = local / fours;
  let across = local % fours;
  // Neighbouring threads read neighbouring entries, whichever way the operand lies.
  let loadA = select(down, across, adjointA);
  let innerA = select(across, down, adjointA);
  let loadB = select(across, down, adjointB);
  let innerB = select(down, across, adjointB);
  var row0 = noFour();
  var row1 = noFour();
  var row2 = noFour();
  var row3 = noFour();
  for (var start = 0u; start < sizes.k; start += depth) {
    let fourA = loadA * 4u + top;
    let fourB = loadB * 4u + left;
    let la = start + innerA;
    let lb = start + innerB;
    sliceOfA[innerA * fours + loadA] = four(
      entryOfA(baseA, fourA, la), entryOfA(baseA, fourA + 1u, la),
      entryOfA(baseA, fourA + 2u, la), entryOfA(baseA, fourA + 3u, la));
    sliceOfB[innerB * fours + loadB] = four(
      entryOfB(baseB, lb, fourB), entryOfB(baseB, lb, fourB + 1u),
      entryOfB(baseB, lb, fourB + 2u), entryOfB(baseB, lb, fourB + 3u));
    workgroupBarrier();
    for (var l = 0u; l < depth; l++) {
      let x = sliceOfA[l * fours + down];
      let y = sliceOfB[l * fours + across];
      row0 = accumulated(row0, first(x), y);
      row1 = accumulated(row1, second(x), y);
      row2 = accumulated(row2, third(x), y);
      row3 = accumulated(row3, fourth(x), y);
    }
    workgroupBarrier();
  }
  let base = sizes.offsetOut + entry * sizes.m * sizes.n;
  let i = top + down * 4u;
  let j = left + across * 4u;
  storeFour(base, i, j, row0);
  storeFour(base, i + 1u, j, row1);
  storeFour(base, i + 2u, j, row2);
  storeFour(base, i + 3u, j, row3);
}
