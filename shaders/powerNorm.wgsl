// The end of power iteration: ‖y‖ / ‖x‖ of y = S x, x divided by the power of two of its largest component; NaN where a vector has left the
// range. One workgroup: one matrix.

var<workgroup> peaksOfX: array<u32, 64>;
var<workgroup> peaksOfY: array<u32, 64>;
var<workgroup> squaresOfX: array<f32, 64>;
var<workgroup> squaresOfY: array<f32, 64>;

fn work(group: u32, local: u32) {
  let at = group * sizes.length;
  var peakOfX = 0u;
  var peakOfY = 0u;
  for (var c = local; c < sizes.length; c += 64u) {
    peakOfX = max(peakOfX, x[at + c] & 0x7fffffffu);
    peakOfY = max(peakOfY, y[at + c] & 0x7fffffffu);
  }
  peaksOfX[local] = peakOfX;
  peaksOfY[local] = peakOfY;
  workgroupBarrier();
  for (var i = 0u; i < 64u; i++) {
    peakOfX = max(peakOfX, peaksOfX[i]);
    peakOfY = max(peakOfY, peaksOfY[i]);
  }
  let scaleOfX = -exponentOf(peakOfX);
  let scaleOfY = -exponentOf(peakOfY);
  var squareOfX = 0.0;
  var squareOfY = 0.0;
  for (var c = local; c < sizes.length; c += 64u) {
    let a = asFloat(timesPower(x[at + c], scaleOfX));
    let b = asFloat(timesPower(y[at + c], scaleOfY));
    squareOfX += a * a;
    squareOfY += b * b;
  }
  squaresOfX[local] = squareOfX;
  squaresOfY[local] = squareOfY;
  workgroupBarrier();
  if (local != 0u) { return; }
  for (var i = 1u; i < 64u; i++) {
    squareOfX += squaresOfX[i];
    squareOfY += squaresOfY[i];
  }
  let to = sizes.first + group;
  if (max(peakOfX, peakOfY) >= infinityBits) {
    out[to] = nanBits;
  } else if (!isPositive(peakOfX) || !isPositive(peakOfY)) {
    out[to] = 0u;
  } else {
    out[to] = timesPower(asBits(sqrt(squareOfY / squareOfX)), -scaleOfY);
  }
}
