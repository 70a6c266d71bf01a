// The largest entry of a vector, of which `entry` is generated; NaN wins. One workgroup.

var<workgroup> found: array<u32, 64>;

fn work(group: u32, local: u32) {
  var most = entry(local % sizes.n);
  for (var i = local; i < sizes.n; i += 64u) { most = larger(most, entry(i)); }
  found[local] = most;
  workgroupBarrier();
  if (local == 0u) {
    for (var i = 1u; i < 64u; i++) { most = larger(most, found[i]); }
    out[0] = most;
  }
}
