// Of each power of Gram iteration, its largest |component| as bits, Σ |s_ij|² and the largest Σ_i |s_ij| of a column, by parts of 64
// columns: three words each. Entries that are settled are left out. One workgroup: one part of one matrix, a column to a thread.

var<workgroup> peaks: array<u32, 64>;
var<workgroup> squares: array<f32, 64>;
var<workgroup> sums: array<f32, 64>;

fn work(group: u32, local: u32) {
  let entry = group / sizes.parts;
  if (!isGoingOn(entry)) { return; }
  let j = (group % sizes.parts) * 64u + local;
  let base = entry * sizes.n * sizes.n;
  var peak = 0u;
  var square = 0.0;
  var sum = 0.0;
  if (j < sizes.n) {
    for (var i = 0u; i < sizes.n; i++) {
      let value = s[base + i * sizes.n + j];
      peak = max(peak, largestComponent(value));
      square += realProduct(value, value);
      sum += modulus(value);
    }
  }
  peaks[local] = peak;
  squares[local] = square;
  sums[local] = sum;
  workgroupBarrier();
  if (local == 0u) {
    for (var i = 1u; i < 64u; i++) {
      peak = max(peak, peaks[i]);
      square += squares[i];
      sum = max(sum, sums[i]);
    }
    let to = 3u * (sizes.first + group);
    out[to] = peak;
    out[to + 1u] = asBits(square);
    out[to + 2u] = asBits(sum);
  }
}
