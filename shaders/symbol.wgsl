// out[b] = Σ_t phases[b, t] · taps[t]. One thread: four frequencies, one entry.

fn work(index: u32) {
  let entry = index % sizes.entries;
  let b0 = (index / sizes.entries) * 4u;
  let last = sizes.frequencies - 1u;
  let p0 = (sizes.first + b0) * sizes.count;
  let p1 = (sizes.first + min(b0 + 1u, last)) * sizes.count;
  let p2 = (sizes.first + min(b0 + 2u, last)) * sizes.count;
  let p3 = (sizes.first + min(b0 + 3u, last)) * sizes.count;
  var s0 = vec2f(0.0);
  var s1 = vec2f(0.0);
  var s2 = vec2f(0.0);
  var s3 = vec2f(0.0);
  for (var t = 0u; t < sizes.count; t++) {
    let tap = taps[t * sizes.entries + entry];
    s0 += tap * phases[p0 + t];
    s1 += tap * phases[p1 + t];
    s2 += tap * phases[p2 + t];
    s3 += tap * phases[p3 + t];
  }
  let at = sizes.offsetOut + b0 * sizes.entries + entry;
  out[at] = s0;
  if (b0 + 1u <= last) { out[at + sizes.entries] = s1; }
  if (b0 + 2u <= last) { out[at + 2u * sizes.entries] = s2; }
  if (b0 + 3u <= last) { out[at + 3u * sizes.entries] = s3; }
}
