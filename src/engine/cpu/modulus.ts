/** |re + i·im| without overflow or underflow on the way; NaN if either part is NaN (unlike `Math.hypot`). */
export function modulus(re: number, im: number): number {
  const square = re * re + im * im;
  if (square > 1e-280 && square < 1e300) return Math.sqrt(square);
  return Number.isNaN(square) ? Number.NaN : Math.hypot(re, im);
}
