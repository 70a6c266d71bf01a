// The largest |component| of each matrix, as bits (NaN wins); `skipDiagonal` leaves the diagonal out. One workgroup: one part of one
// matrix.

var<workgroup> found: array<u32, 64>;

fn work(group: u32, local: u32) {
  let entry = group / sizes.parts;
  let part = group % sizes.parts;
  let components = sizes.n * sizes.n * sizes.width;
  let share = (components + sizes.parts - 1u) / sizes.parts;
  let base = sizes.offsetS + entry * components;
  let end = min((part + 1u) * share, components);
  var most = 0u;
  for (var c = part * share + local; c < end; c += 64u) {
    let place = c / sizes.width;
    let skipped = sizes.skipDiagonal == 1u && place / sizes.n == place % sizes.n;
    // Magnitudes are in the order of their words, NaN above infinity.
    if (!skipped) { most = max(most, s[base + c] & 0x7fffffffu); }
  }
  found[local] = most;
  workgroupBarrier();
  if (local == 0u) {
    for (var i = 1u; i < 64u; i++) { most = max(most, found[i]); }
    out[group] = most;
  }
}
