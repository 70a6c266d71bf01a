// Floats as words. WGSL lets an implementation assume that there is neither NaN nor infinity, so whatever has to hold for
// those is decided on bits, and they are written as bits.

const infinityBits = 0x7f800000u;
const nanBits = 0x7fc00000u;
const signBit = 0x80000000u;

fn isNaN(bits: u32) -> bool { return (bits & 0x7fffffffu) > infinityBits; }
/// Zero or subnormal: arithmetic may take both for zero.
fn isVanishing(bits: u32) -> bool { return (bits & 0x7fffffffu) < 0x00800000u; }
/// Positive, normal, and no infinity.
fn isPositive(bits: u32) -> bool { return bits >= 0x00800000u && bits < infinityBits; }

/// The place of a float that is no NaN in the order of all floats.
fn order(bits: u32) -> u32 { return select(bits | signBit, ~bits, (bits & signBit) != 0u); }

/// The larger of two floats; NaN wins.
fn larger(x: u32, y: u32) -> u32 {
  if (isNaN(x)) { return nanBits; }
  if (isNaN(y)) { return nanBits; }
  return select(x, y, order(y) > order(x));
}

/// floor(log2(x)) of a positive normal number.
fn exponentOf(bits: u32) -> i32 { return i32(bits >> 23u) - 127; }

/// x · 2^e, exactly; a result below the normal numbers becomes zero, one beyond the range infinite. NaN and infinity stay.
fn timesPower(bits: u32, e: i32) -> u32 {
  let sign = bits & signBit;
  var biased = i32((bits >> 23u) & 0xffu);
  var fraction = bits & 0x007fffffu;
  if (biased == 255) { return bits; }
  if (biased == 0) {
    if (fraction == 0u) { return sign; }
    // A subnormal number, brought to the form of the others.
    let shift = countLeadingZeros(fraction) - 8u;
    fraction = (fraction << shift) & 0x007fffffu;
    biased = 1 - i32(shift);
  }
  let result = biased + clamp(e, -1000, 1000);
  if (result <= 0) { return sign; }
  if (result >= 255) { return sign | infinityBits; }
  return sign | (u32(result) << 23u) | fraction;
}

/// A word as a float, and the other way round.
fn asFloat(bits: u32) -> f32 { return bitcast<f32>(bits); }
fn asBits(x: f32) -> u32 { return bitcast<u32>(x); }
