// The end of Gram iteration: a bound of ‖S‖ from all that is known of the powers of every matrix up to where it was settled. One thread:
// one matrix.

fn work(entry: u32) {
  let peak = peakOf(entry);
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
  let end = settled[entry];
  let norm = normAbove(select(end - 1u, sizes.total, end == 0u), entry);
  // What falls below the normal numbers is rounded up to the first of them.
  out[to] = max(timesPower(norm, exponentOf(peak) + sizes.shift), 0x00800000u);
}
