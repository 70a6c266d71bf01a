// Zero matrices, to which entries are added at the rows and columns that indices name. One thread: one entry of the result,
// which collects from all indices that name it: `starts[i] … starts[i + 1]` are the places of i in `places`.

fn work(index: u32) {
  let j = index % sizes.size;
  let i = (index / sizes.size) % sizes.size;
  let base = sizes.offsetA + index / (sizes.size * sizes.size) * sizes.n * sizes.n;
  var sum = fromReal(0.0);
  for (var p = starts[i]; p < starts[i + 1u]; p++) {
    for (var q = starts[j]; q < starts[j + 1u]; q++) {
      sum += a[base + places[p] * sizes.n + places[q]];
    }
  }
  out[sizes.offsetOut + index] = sum;
}
