/** Numbers and shapes as the page writes them; bounds are rounded up, as on the command line. */
export {
  formatBound,
  formatCount,
  formatDuration,
  formatLog10,
  formatQuantity,
} from '../../src/cli/format.ts';

export function formatShape(shape: readonly number[]): string {
  return shape.join('×');
}

/** A whole number with thin spaces between groups of three digits. */
export function formatInteger(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** How many times the bound another number is, for two decimal logarithms: `1.43×`. */
export function formatFactor(log10: number): string {
  const factor = 10 ** log10;
  if (!(factor < 1e6)) return `10^${log10.toFixed(1)}×`;
  return `${factor < 10 ? factor.toFixed(2) : factor.toPrecision(3)}×`;
}
