// Parts of Σ_b weights[b] · Re(T[b] W[b]ᴴ), T = W Q. One thread: 4 × 4 entries of one part, summed over `share` batch entries.
// The sum is symmetric: its lower triangle is computed and mirrored.

fn store(base: u32, i: u32, j: u32, value: f32) {
  if (i >= sizes.m || j > i) { return; }
  out[base + i * sizes.m + j] = value;
  out[base + j * sizes.m + i] = value;
}

fn storeFour(base: u32, i: u32, j: u32, values: vec4f) {
  store(base, i, j, values.x);
  store(base, i, j + 1u, values.y);
  store(base, i, j + 2u, values.z);
  store(base, i, j + 3u, values.w);
}

fn realProducts(x: Scalar, y0: Scalar, y1: Scalar, y2: Scalar, y3: Scalar) -> vec4f {
  return vec4f(realProduct(x, y0), realProduct(x, y1), realProduct(x, y2), realProduct(x, y3));
}

fn work(index: u32) {
  let tiles = (sizes.m + 3u) / 4u;
  let tile = index % (tiles * tiles);
  let part = index / (tiles * tiles);
  let i = (tile / tiles) * 4u;
  let j = (tile % tiles) * 4u;
  if (j > i) { return; }
  let last = sizes.m - 1u;
  let i0 = i * sizes.k;
  let i1 = min(i + 1u, last) * sizes.k;
  let i2 = min(i + 2u, last) * sizes.k;
  let i3 = min(i + 3u, last) * sizes.k;
  let j0 = j * sizes.k;
  let j1 = min(j + 1u, last) * sizes.k;
  let j2 = min(j + 2u, last) * sizes.k;
  let j3 = min(j + 3u, last) * sizes.k;
  var row0 = vec4f(0.0);
  var row1 = vec4f(0.0);
  var row2 = vec4f(0.0);
  var row3 = vec4f(0.0);
  let end = min((part + 1u) * sizes.share, sizes.entries);
  for (var entry = part * sizes.share; entry < end; entry++) {
    let weight = weights[sizes.firstWeight + entry];
    let baseT = sizes.offsetT + entry * sizes.strideT;
    let baseW = sizes.offsetW + entry * sizes.strideW;
    for (var l = 0u; l < sizes.k; l++) {
      let at = baseW + l;
      let y0 = w[at + j0];
      let y1 = w[at + j1];
      let y2 = w[at + j2];
      let y3 = w[at + j3];
      row0 += realProducts(scaled(weight, t[baseT + i0 + l]), y0, y1, y2, y3);
      row1 += realProducts(scaled(weight, t[baseT + i1 + l]), y0, y1, y2, y3);
      row2 += realProducts(scaled(weight, t[baseT + i2 + l]), y0, y1, y2, y3);
      row3 += realProducts(scaled(weight, t[baseT + i3 + l]), y0, y1, y2, y3);
    }
  }
  let base = part * sizes.m * sizes.m;
  storeFour(base, i, j, row0);
  storeFour(base, i + 1u, j, row1);
  storeFour(base, i + 2u, j, row2);
  storeFour(base, i + 3u, j, row3);
}
