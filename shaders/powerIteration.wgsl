// Power iteration of Hermitian matrices of up to 512 rows: ‖S x‖ / ‖x‖ after `steps` steps from a vector of no structure that S could be
// orthogonal to; NaN where it has left the range. One workgroup: one matrix, whose vectors lie in workgroup memory.

var<workgroup> x: array<Scalar, 512>;
var<workgroup> y: array<Scalar, 512>;
var<workgroup> peaks: array<u32, 256>;
var<workgroup> squares: array<vec2f, 256>;

/// The largest of what all threads bring. To be called by all.
fn largestOf(own: u32, local: u32) -> u32 {
  peaks[local] = own;
  workgroupBarrier();
  var most = 0u;
  for (var i = 0u; i < 256u; i++) { most = max(most, peaks[i]); }
  workgroupBarrier();
  return most;
}

/// 1 / the power of two of a number; 0 where it has none.
fn inversePower(bits: u32) -> f32 {
  return select(0.0, asFloat(timesPower(0x3f800000u, -exponentOf(bits))), isPositive(bits));
}

fn work(group: u32, local: u32) {
  let n = sizes.n;
  let base = sizes.offsetS + group * sizes.stride;
  for (var j = local; j < n; j += 256u) { y[j] = scalarOf(hashed(2u * j), hashed(2u * j + 1u)); }
  var lost = false;
  var peak = 0u;
  for (var step = 0u; step <= sizes.steps; step++) {
    peak = 0u;
    for (var j = local; j < n; j += 256u) { peak = max(peak, largestComponent(y[j])); }
    peak = largestOf(peak, local);
    lost = lost || peak >= infinityBits;
    if (step == sizes.steps) { break; }
    let factor = inversePower(peak);
    for (var j = local; j < n; j += 256u) { x[j] = scaled(factor, y[j]); }
    workgroupBarrier();
    for (var j = local; j < n; j += 256u) {
      var sum = fromReal(0.0);
      for (var i = 0u; i < n; i++) { sum += times(conjugate(s[base + i * n + j]), x[i]); }
      y[j] = sum;
    }
  }
  let factor = inversePower(peak);
  var own = vec2f(0.0);
  for (var j = local; j < n; j += 256u) {
    let image = scaled(factor, y[j]);
    own += vec2f(realProduct(x[j], x[j]), realProduct(image, image));
  }
  squares[local] = own;
  workgroupBarrier();
  if (local != 0u) { return; }
  for (var i = 1u; i < 256u; i++) { own += squares[i]; }
  let to = sizes.first + group;
  if (lost) {
    out[to] = nanBits;
  } else if (!isPositive(peak) || !isPositive(asBits(own.x))) {
    out[to] = 0u;
  } else {
    out[to] = timesPower(asBits(sqrt(own.y / own.x)), exponentOf(peak));
  }
}
