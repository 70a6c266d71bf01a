/** Numbers as people write them. */

/** Numbers joined by commas, each of them perhaps a quotient: `0.5,8/255`; undefined for anything else. */
export function numbersIn(text: string): number[] | undefined {
  const values = text.split(',').map((part) => {
    const [numerator, denominator, ...rest] = part.split('/').map(plainNumber);
    if (rest.length > 0) return Number.NaN;
    return denominator === undefined ? numerator! : numerator! / denominator;
  });
  return values.every(Number.isFinite) ? values : undefined;
}

/** NaN for what is no decimal number. */
export function plainNumber(text: string): number {
  return /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i.test(text) ? Number(text) : Number.NaN;
}
