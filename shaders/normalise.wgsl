// Each matrix divided by the power of two that its largest component has, so that this ends in [1, 2); zero where there is no such power.
// `skipDiagonal` replaces the diagonal by zero. One thread: one component.

fn work(index: u32) {
  let components = sizes.n * sizes.n * sizes.width;
  let place = (index % components) / sizes.width;
  let first = (index / components) * sizes.parts;
  var peak = 0u;
  for (var part = 0u; part < sizes.parts; part++) { peak = max(peak, peaks[first + part]); }
  let skipped = sizes.skipDiagonal == 1u && place / sizes.n == place % sizes.n;
  var value = 0u;
  if (isPositive(peak) && !skipped) { value = timesPower(s[sizes.offsetS + index], -exponentOf(peak)); }
  out[index] = value;
}
