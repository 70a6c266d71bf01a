// The end of Gram iteration: ‖S‖ from the Frobenius norm of its normalised power and the powers of two taken out on the way,
//
//     ‖B_s‖ = 2^(e_s) ‖N_s‖,   ‖N_s‖ = ‖B_(s+1)‖^(1/2^q)   with q squarings from N_s to B_(s+1).
//
// One thread: one matrix.

fn peakOf(stage: u32, entry: u32) -> u32 {
  var peak = 0u;
  for (var part = 0u; part < sizes.parts; part++) {
    peak = max(peak, peaks[(stage * sizes.entries + entry) * sizes.parts + part]);
  }
  return peak;
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
  var squares = 0.0;
  for (var part = 0u; part < sizes.parts; part++) { squares += sums[entry * sizes.parts + part]; }
  var norm = sqrt(squares);
  for (var stage = sizes.stages - 1u; stage > 0u; stage--) {
    norm = asFloat(timesPower(asBits(norm), exponentOf(peakOf(stage, entry))));
    let squarings = select(sizes.squarings, sizes.lastSquarings, stage == sizes.stages - 1u);
    for (var q = 0u; q < squarings; q++) { norm = sqrt(norm); }
  }
  let result = timesPower(asBits(norm * sizes.margin), exponentOf(peak) + sizes.shift);
  // What falls below the normal numbers is rounded up to the first of them.
  out[to] = max(result, 0x00800000u);
}
