// 1 if every matrix was found positive definite, else 0. One workgroup.

var<workgroup> found: array<u32, 64>;

fn work(group: u32, local: u32) {
  var all = 1u;
  for (var entry = local; entry < sizes.n; entry += 64u) { all = all & definite[entry]; }
  found[local] = all;
  workgroupBarrier();
  if (local == 0u) {
    for (var i = 0u; i < 64u; i++) { all = all & found[i]; }
    out[0] = asBits(f32(all));
  }
}
