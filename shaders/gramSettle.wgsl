// Which matrices can no longer raise the largest norm by more than the tolerance: where the bound of a norm from above is not above
// (1 + tolerance) times the largest from below, (f_k / f_(k−1))^(1/2^(k−1)). Those keep the bound that they have; only how tight the
// result is rests on what is from below. So do those whose bound hardly gets smaller, of which rounding has its share. One workgroup.

var<workgroup> found: array<f32, 64>;

/// log2 of a number as bits; far below all others where it is 0 or none.
fn logarithm(bits: u32) -> f32 {
  if (!isPositive(bits)) { return -1e30; }
  return f32(exponentOf(bits)) + log2(asFloat(timesPower(bits, -exponentOf(bits))));
}

/// Of the power of two that was taken out of P_k.
fn taken(k: u32, entry: u32) -> f32 {
  if (!isNormalised(k)) { return 0.0; }
  return f32(exponentOf(momentsOf(k, entry).peak));
}

/// log2 of ‖S‖ from below: ‖P̃_(k−1)‖ ≥ f_k / f̃_(k−1), and ‖P_j‖ = ‖P̃_(j−1)‖².
fn logBelow(k: u32, entry: u32) -> f32 {
  let last = logarithm(momentsOf(k, entry).square);
  let before = logarithm(momentsOf(k - 1u, entry).square);
  var below = 0.5 * (last - before) + 2.0 * taken(k - 1u, entry);
  for (var j = k - 1u; j > 0u; ) {
    j--;
    below = 0.5 * below + taken(j, entry);
  }
  return below + f32(exponentOf(peakOf(entry)));
}

fn work(group: u32, local: u32) {
  let k = sizes.k;
  var most = -1e30;
  for (var entry = local; entry < sizes.entries; entry += 64u) {
    let end = settled[entry];
    if (isPositive(peakOf(entry))) { most = max(most, logBelow(select(end - 1u, k, end == 0u), entry)); }
  }
  found[local] = most;
  workgroupBarrier();
  for (var i = 0u; i < 64u; i++) { most = max(most, found[i]); }
  for (var entry = local; entry < sizes.entries; entry += 64u) {
    if (settled[entry] != 0u) { continue; }
    let peak = peakOf(entry);
    let above = normAbove(k, entry);
    // What a bound has yet to lose is a third of what two squarings took off it.
    let open = isPositive(peak) && above < infinityBits &&
      logarithm(above) + f32(exponentOf(peak)) > most + sizes.tolerance &&
      logarithm(normAbove(k - 2u, entry)) - logarithm(above) > 2.0 * sizes.tolerance;
    if (!open) { settled[entry] = k + 1u; }
  }
}
