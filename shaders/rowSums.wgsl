// Parts of max_b Σ_j |S_ij|. One thread: one row of one part, the largest over `share` batch entries. S is Hermitian: the sum runs
// down column i, where neighbouring threads read neighbouring entries.

fn work(index: u32) {
  let i = index % sizes.n;
  let part = index / sizes.n;
  var most = 0u;
  let end = min((part + 1u) * sizes.share, sizes.entries);
  for (var entry = part * sizes.share; entry < end; entry++) {
    let base = sizes.offsetS + entry * sizes.n * sizes.n + i;
    var sum = 0.0;
    var broken = false;
    // Four at a time, all of them on their way before the first is needed.
    let whole = sizes.n - sizes.n % 4u;
    for (var j = 0u; j < whole; j += 4u) {
      let at = base + j * sizes.n;
      let value0 = s[at];
      let value1 = s[at + sizes.n];
      let value2 = s[at + 2u * sizes.n];
      let value3 = s[at + 3u * sizes.n];
      sum += modulus(value0) + modulus(value1) + modulus(value2) + modulus(value3);
      broken = broken | hasNaN(value0) | hasNaN(value1) | hasNaN(value2) | hasNaN(value3);
    }
    for (var j = whole; j < sizes.n; j++) {
      let value = s[base + j * sizes.n];
      sum += modulus(value);
      broken = broken | hasNaN(value);
    }
    most = larger(most, select(asBits(sum), nanBits, broken));
  }
  out[sizes.firstPart * sizes.n + index] = most;
}
