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
    for (var j = 0u; j < sizes.n; j++) {
      let value = s[base + j * sizes.n];
      sum += modulus(value);
      broken = broken || hasNaN(value);
    }
    most = larger(most, select(asBits(sum), nanBits, broken));
  }
  out[sizes.firstPart * sizes.n + index] = most;
}
