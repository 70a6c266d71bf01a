// Σ |b|² of each matrix, to out[first …]. One workgroup: one part of one matrix.

var<workgroup> found: array<f32, 64>;

fn work(group: u32, local: u32) {
  let entry = group / sizes.parts;
  let part = group % sizes.parts;
  let share = (sizes.components + sizes.parts - 1u) / sizes.parts;
  let base = sizes.offsetS + entry * sizes.components;
  let end = min((part + 1u) * share, sizes.components);
  var sum = 0.0;
  for (var c = part * share + local; c < end; c += 64u) { sum += s[base + c] * s[base + c]; }
  found[local] = sum;
  workgroupBarrier();
  if (local == 0u) {
    for (var i = 1u; i < 64u; i++) { sum += found[i]; }
    out[sizes.first + group] = sum;
  }
}
