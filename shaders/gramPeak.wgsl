// The largest |component| that each matrix had before the first power.

fn peakOf(entry: u32) -> u32 {
  var peak = 0u;
  for (var part = 0u; part < sizes.peakParts; part++) { peak = max(peak, peaks[entry * sizes.peakParts + part]); }
  return peak;
}
