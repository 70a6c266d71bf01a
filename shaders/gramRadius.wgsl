// The end of Gram iteration: a bound of ‖S‖ from the Frobenius norms f_k of the powers P_k = P_(k-1) P_(k-1)ᴴ + E_k that were computed,
// ‖E_k‖ ≤ ε f_(k-1)²:
//
//     ‖P_K‖ ≤ f_K,   ‖P_k‖ ≤ √(‖P_(k+1)‖ + ε f_k²),
//
// with the powers of two that were taken out of P_0, of every power after `squarings` more, and of the last one. One thread: one matrix.

fn peakOf(stage: u32, entry: u32) -> u32 {
  var peak = 0u;
  for (var part = 0u; part < sizes.parts; part++) {
    peak = max(peak, peaks[(stage * sizes.entries + entry) * sizes.parts + part]);
  }
  return peak;
}

// f_k², as it was computed.
fn squaredNorm(k: u32, entry: u32) -> f32 {
  var squares = 0.0;
  for (var part = 0u; part < sizes.parts; part++) {
    squares += sums[(k * sizes.entries + entry) * sizes.parts + part];
  }
  return squares;
}

fn work(entry: u32) {
  let peak = peakOf(0u, entry);
  let to = sizes.first + entry;
  if (peak >= infinityBits) {
    out[to] = select(infinityBits, nanBits, isNaN(peak));
    return;
  }
  if (!isPositive(peak)) {
    // No component reaches 2^-126, so that the norm is below √2 n · 2^-126.
    out[to] = select(asBits(2.0 * f32(sizes.n) * 1.17549435e-38), 0u, peak == 0u);
    return;
  }
  var k = sizes.total;
  var squares = squaredNorm(k, entry);
  var known = asBits(squares) < infinityBits;
  var norm = sizes.margin * sqrt(squares);
  for (var stage = sizes.stages - 1u; stage > 0u; stage--) {
    // A power that has left the range says nothing, and its copy is zero.
    let reached = peakOf(stage, entry);
    known = known && isPositive(reached);
    norm = asFloat(timesPower(asBits(norm), exponentOf(reached)));
    while (k > (stage - 1u) * sizes.squarings) {
      k--;
      squares = squaredNorm(k, entry);
      known = known && asBits(squares) < infinityBits;
      norm = sqrt(norm + sizes.epsilon * squares);
    }
  }
  norm *= sizes.margin;
  if (!known || asBits(norm) >= infinityBits) {
    out[to] = infinityBits;
    return;
  }
  // What falls below the normal numbers is rounded up to the first of them.
  out[to] = max(timesPower(asBits(norm), exponentOf(peak) + sizes.shift), 0x00800000u);
}
