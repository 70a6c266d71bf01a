// out[b] = Σ_t phases[b, t] · taps[t], where `framed` in a frame: a matrix that holds in every row at most one entry more, the column and
// the bits of which are in `frame`. One thread: four frequencies, one entry.

fn work(index: u32) {
  let entry = index % sizes.entries;
  let b0 = (index / sizes.entries) * 4u;
  let last = sizes.frequencies - 1u;
  var s0 = vec2f(0.0);
  var s1 = vec2f(0.0);
  var s2 = vec2f(0.0);
  var s3 = vec2f(0.0);
  let i = entry / sizes.across;
  let j = entry % sizes.across;
  // What lies before the matrix is far beyond it.
  let row = i - sizes.row;
  let column = j - sizes.column;
  if (!framed || (row < sizes.rows && column < sizes.columns)) {
    let own = row * sizes.columns + column;
    let p0 = (sizes.first + b0) * sizes.count;
    let p1 = (sizes.first + min(b0 + 1u, last)) * sizes.count;
    let p2 = (sizes.first + min(b0 + 2u, last)) * sizes.count;
    let p3 = (sizes.first + min(b0 + 3u, last)) * sizes.count;
    for (var t = 0u; t < sizes.count; t++) {
      let tap = taps[t * sizes.rows * sizes.columns + own];
      s0 += tap * phases[p0 + t];
      s1 += tap * phases[p1 + t];
      s2 += tap * phases[p2 + t];
      s3 += tap * phases[p3 + t];
    }
  } else if (frame[2u * i] == j) {
    s0 = vec2f(bitcast<f32>(frame[2u * i + 1u]), 0.0);
    s1 = s0;
    s2 = s0;
    s3 = s0;
  }
  let at = sizes.offsetOut + b0 * sizes.entries + entry;
  out[at] = s0;
  if (b0 + 1u <= last) { out[at + sizes.entries] = s1; }
  if (b0 + 2u <= last) { out[at + 2u * sizes.entries] = s2; }
  if (b0 + 3u <= last) { out[at + 3u * sizes.entries] = s3; }
}
