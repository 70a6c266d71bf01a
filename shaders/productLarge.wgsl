// op(A)·op(B) as in product.wgsl for matrices that are larger still, and many enough to keep a device busy. One workgroup of 16 × 16 threads: a
// tile of 128 × 128 entries of one real product, 8 × 8 to a thread, or of 64 × 128 of a complex one, 4 × 8 to a thread. While a slice of A and
// B is worked on in workgroup memory, the next one is on its way into registers.

const rowsOfTile = 4u * foursOfA;
const columnsOfTile = 128u;
const foursOfB = 32u;
const threadsAcross = 16u;

var<workgroup> sliceOfA: array<Four, sizeOfA>;
var<workgroup> sliceOfB: array<Four, sizeOfB>;

fn fourOfA(base: u32, i: u32, l: u32) -> Four {
  return four(entryOfA(base, i, l), entryOfA(base, i + 1u, l), entryOfA(base, i + 2u, l), entryOfA(base, i + 3u, l));
}

fn fourOfB(base: u32, l: u32, j: u32) -> Four {
  return four(entryOfB(base, l, j), entryOfB(base, l, j + 1u), entryOfB(base, l, j + 2u), entryOfB(base, l, j + 3u));
}

/// Where a thread's four of a slice goes: how deep, and which of the slice's width. Neighbouring threads read neighbouring entries,
/// whichever way the operand lies.
fn inner(place: u32, width: u32, along: bool) -> u32 {
  if (along) { return place / width; }
  return place % depth;
}
fn outer(place: u32, width: u32, along: bool) -> u32 {
  if (along) { return place % width; }
  return place / depth;
}

fn work(group: u32, local: u32) {
  let tilesDown = (sizes.m + rowsOfTile - 1u) / rowsOfTile;
  let tilesAcross = (sizes.n + columnsOfTile - 1u) / columnsOfTile;
  let tile = group % (tilesDown * tilesAcross);
  let entry = group / (tilesDown * tilesAcross);
  let top = (tile / tilesAcross) * rowsOfTile;
  let left = (tile % tilesAcross) * columnsOfTile;
  if ((hermitian && left >= top + rowsOfTile) || !isGoingOn(entry)) { return; }
  let baseA = sizes.offsetA + entry * sizes.strideA;
  let baseB = sizes.offsetB + entry * sizes.strideB;
  let down = local / threadsAcross;
  let across = local % threadsAcross;
  // A real slice has two fours of either operand for every thread; a complex one has one of B, and one of A for every other thread.
  let deepA0 = inner(local % sizeOfA, foursOfA, adjointA);
  let deepB0 = inner(local, foursOfB, !adjointB);
  let deepA1 = inner(local + 256u, foursOfA, adjointA);
  let deepB1 = inner(local + 256u, foursOfB, !adjointB);
  let wideA0 = outer(local % sizeOfA, foursOfA, adjointA);
  let wideB0 = outer(local, foursOfB, !adjointB);
  let wideA1 = outer(local + 256u, foursOfA, adjointA);
  let wideB1 = outer(local + 256u, foursOfB, !adjointB);
  var a0 = fourOfA(baseA, top + 4u * wideA0, deepA0);
  var b0 = fourOfB(baseB, deepB0, left + 4u * wideB0);
  var a1 = noFour();
  var b1 = noFour();
  if (tall) {
    a1 = fourOfA(baseA, top + 4u * wideA1, deepA1);
    b1 = fourOfB(baseB, deepB1, left + 4u * wideB1);
  }
  var near0 = noFour();
  var near1 = noFour();
  var near2 = noFour();
  var near3 = noFour();
  var far0 = noFour();
  var far1 = noFour();
  var far2 = noFour();
  var far3 = noFour();
  var lowNear0 = noFour();
  var lowNear1 = noFour();
  var lowNear2 = noFour();
  var lowNear3 = noFour();
  var lowFar0 = noFour();
  var lowFar1 = noFour();
  var lowFar2 = noFour();
  var lowFar3 = noFour();
  for (var start = 0u; start < sizes.k; start += depth) {
    if (local < sizeOfA) { sliceOfA[deepA0 * foursOfA + wideA0] = a0; }
    sliceOfB[deepB0 * foursOfB + wideB0] = b0;
    if (tall) {
      sliceOfA[deepA1 * foursOfA + wideA1] = a1;
      sliceOfB[deepB1 * foursOfB + wideB1] = b1;
    }
    workgroupBarrier();
    let next = start + depth;
    a0 = fourOfA(baseA, top + 4u * wideA0, next + deepA0);
    b0 = fourOfB(baseB, next + deepB0, left + 4u * wideB0);
    if (tall) {
      a1 = fourOfA(baseA, top + 4u * wideA1, next + deepA1);
      b1 = fourOfB(baseB, next + deepB1, left + 4u * wideB1);
    }
    for (var l = 0u; l < depth; l++) {
      let x = sliceOfA[l * foursOfA + down];
      let y = sliceOfB[l * foursOfB + across];
      let z = sliceOfB[l * foursOfB + threadsAcross + across];
      near0 = accumulated(near0, first(x), y);
      near1 = accumulated(near1, second(x), y);
      near2 = accumulated(near2, third(x), y);
      near3 = accumulated(near3, fourth(x), y);
      far0 = accumulated(far0, first(x), z);
      far1 = accumulated(far1, second(x), z);
      far2 = accumulated(far2, third(x), z);
      far3 = accumulated(far3, fourth(x), z);
      if (tall) {
        let w = sliceOfA[l * foursOfA + threadsAcross + down];
        lowNear0 = accumulated(lowNear0, first(w), y);
        lowNear1 = accumulated(lowNear1, second(w), y);
        lowNear2 = accumulated(lowNear2, third(w), y);
        lowNear3 = accumulated(lowNear3, fourth(w), y);
        lowFar0 = accumulated(lowFar0, first(w), z);
        lowFar1 = accumulated(lowFar1, second(w), z);
        lowFar2 = accumulated(lowFar2, third(w), z);
        lowFar3 = accumulated(lowFar3, fourth(w), z);
      }
    }
    workgroupBarrier();
  }
  let base = sizes.offsetOut + entry * sizes.m * sizes.n;
  let i = top + down * 4u;
  let j = left + across * 4u;
  let away = j + 4u * threadsAcross;
  storeFour(base, i, j, near0);
  storeFour(base, i + 1u, j, near1);
  storeFour(base, i + 2u, j, near2);
  storeFour(base, i + 3u, j, near3);
  storeFour(base, i, away, far0);
  storeFour(base, i + 1u, away, far1);
  storeFour(base, i + 2u, away, far2);
  storeFour(base, i + 3u, away, far3);
  if (tall) {
    let below = i + 4u * threadsAcross;
    storeFour(base, below, j, lowNear0);
    storeFour(base, below + 1u, j, lowNear1);
    storeFour(base, below + 2u, j, lowNear2);
    storeFour(base, below + 3u, j, lowNear3);
    storeFour(base, below, away, lowFar0);
    storeFour(base, below + 1u, away, lowFar1);
    storeFour(base, below + 2u, away, lowFar2);
    storeFour(base, below + 3u, away, lowFar3);
  }
}
