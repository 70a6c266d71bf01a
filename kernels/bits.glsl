// Floats by their bits, for kernels. GLSL lets an implementation assume that there is no NaN, so whatever has to hold for one is decided
// on bits; and it leaves the accuracy of exp2 open, so powers of two are put together from theirs.

bool isNaNBits(uint bits) { return (bits & 0x7fffffffu) > 0x7f800000u; }

float larger(float x, float y) {
  if (isNaNBits(floatBitsToUint(x))) return x;
  if (isNaNBits(floatBitsToUint(y))) return y;
  return max(x, y);
}

float zeroUnlessNaN(float x) { return isNaNBits(floatBitsToUint(x)) ? x : 0.0; }

float modulus(float x, float y) {
  if (isNaNBits(floatBitsToUint(x))) return x;
  if (isNaNBits(floatBitsToUint(y))) return y;
  float large = max(abs(x), abs(y));
  float ratio = min(abs(x), abs(y)) / max(large, 1.17549435e-38);
  return large * sqrt(1.0 + ratio * ratio);
}

float timesPower(float x, float e) {
  if (isNaNBits(floatBitsToUint(e))) return e;
  uint bits = floatBitsToUint(x);
  uint sign = bits & 0x80000000u;
  int biased = int((bits >> 23) & 0xffu);
  if (biased == 255) return x;
  if (biased == 0) return uintBitsToFloat(sign);
  int result = biased + int(clamp(e, -1000.0, 1000.0));
  if (result <= 0) return uintBitsToFloat(sign);
  if (result >= 255) return uintBitsToFloat(sign | 0x7f800000u);
  return uintBitsToFloat(sign | (uint(result) << 23) | (bits & 0x007fffffu));
}
