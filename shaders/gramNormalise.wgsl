// Each power divided by the power of two that its largest component has, so that this ends in [1, 2). One thread: one component.

fn work(index: u32) {
  let components = sizes.n * sizes.n * sizes.width;
  let entry = index / components;
  if (!isGoingOn(entry)) { return; }
  var peak = 0u;
  for (var part = 0u; part < sizes.parts; part++) {
    peak = max(peak, moments[3u * (sizes.first + entry * sizes.parts + part)]);
  }
  var value = 0u;
  if (isPositive(peak)) { value = timesPower(s[index], -exponentOf(peak)); }
  s[index] = value;
}
