// Complex entries, (re, im). Four of them are kept as four real and four imaginary parts.

alias Scalar = vec2f;
struct Four { re: vec4f, im: vec4f }

fn conjugate(x: Scalar) -> Scalar { return vec2f(x.x, -x.y); }
fn realPart(x: Scalar) -> f32 { return x.x; }
fn imaginaryPart(x: Scalar) -> f32 { return x.y; }
fn scalarOf(re: f32, im: f32) -> Scalar { return vec2f(re, im); }
fn fromReal(x: f32) -> Scalar { return vec2f(x, 0.0); }
/// Neither overflows nor underflows unless the result does. Not for NaN.
fn modulus(x: Scalar) -> f32 {
  let large = max(abs(x.x), abs(x.y));
  let small = min(abs(x.x), abs(x.y));
  let ratio = small / max(large, 1.17549435e-38);
  return large * sqrt(1.0 + ratio * ratio);
}
/// |Re x| + |Im x|.
fn componentSum(x: Scalar) -> f32 { return abs(x.x) + abs(x.y); }
/// As bits; NaN is above infinity.
fn largestComponent(x: Scalar) -> u32 { return max(asBits(x.x) & 0x7fffffffu, asBits(x.y) & 0x7fffffffu); }
fn hasNaN(x: Scalar) -> bool { return isNaN(asBits(x.x)) || isNaN(asBits(x.y)); }
fn times(x: Scalar, y: Scalar) -> Scalar { return vec2f(x.x * y.x - x.y * y.y, x.x * y.y + x.y * y.x); }
fn scaled(factor: f32, x: Scalar) -> Scalar { return factor * x; }
/// Re(x conj(y)).
fn realProduct(x: Scalar, y: Scalar) -> f32 { return x.x * y.x + x.y * y.y; }

fn four(x0: Scalar, x1: Scalar, x2: Scalar, x3: Scalar) -> Four {
  return Four(vec4f(x0.x, x1.x, x2.x, x3.x), vec4f(x0.y, x1.y, x2.y, x3.y));
}
fn noFour() -> Four { return Four(vec4f(0.0), vec4f(0.0)); }
fn first(x: Four) -> Scalar { return vec2f(x.re.x, x.im.x); }
fn second(x: Four) -> Scalar { return vec2f(x.re.y, x.im.y); }
fn third(x: Four) -> Scalar { return vec2f(x.re.z, x.im.z); }
fn fourth(x: Four) -> Scalar { return vec2f(x.re.w, x.im.w); }
/// sum + x y, as four real products: the form with three loses accuracy in the imaginary part.
fn accumulated(sum: Four, x: Scalar, y: Four) -> Four {
  return Four(sum.re + x.x * y.re - x.y * y.im, sum.im + x.x * y.im + x.y * y.re);
}
