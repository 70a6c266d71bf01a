// One step of power iteration: y = S x for Hermitian matrices, x first divided by the power of two of its largest component. With
// `begin` x is a vector of no structure that S could be orthogonal to. One workgroup: 64 entries of one y, each a sum down a column.

var<workgroup> found: array<u32, 64>;

fn component(at: u32, local: u32) -> u32 {
  if (begin) { return asBits(hashed(local)); }
  return x[at + local];
}

fn entryOf(at: u32, i: u32, factor: f32) -> Scalar {
  if (sizes.width == 2u) {
    return scalarOf(factor * asFloat(component(at, 2u * i)), factor * asFloat(component(at, 2u * i + 1u)));
  }
  return scalarOf(factor * asFloat(component(at, i)), 0.0);
}

fn work(group: u32, local: u32) {
  let tiles = (sizes.n + 63u) / 64u;
  let entry = group / tiles;
  let at = entry * sizes.n * sizes.width;
  var peak = 0u;
  for (var c = local; c < sizes.n * sizes.width; c += 64u) { peak = max(peak, component(at, c) & 0x7fffffffu); }
  found[local] = peak;
  workgroupBarrier();
  for (var i = 0u; i < 64u; i++) { peak = max(peak, found[i]); }
  let j = (group % tiles) * 64u + local;
  if (j >= sizes.n) { return; }
  let to = at + j * sizes.width;
  if (!isPositive(peak)) {
    // Nothing is left of x, or it has left the range.
    let word = select(nanBits, 0u, peak < infinityBits);
    y[to] = word;
    if (sizes.width == 2u) { y[to + 1u] = word; }
    return;
  }
  let factor = asFloat(timesPower(0x3f800000u, -exponentOf(peak)));
  let base = sizes.offsetS + entry * sizes.stride + j;
  var sum = fromReal(0.0);
  for (var i = 0u; i < sizes.n; i++) {
    sum += times(conjugate(s[base + i * sizes.n]), entryOf(at, i, factor));
  }
  y[to] = asBits(realPart(sum));
  if (sizes.width == 2u) { y[to + 1u] = asBits(imaginaryPart(sum)); }
}
