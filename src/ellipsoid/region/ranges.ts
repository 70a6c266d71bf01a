/** Arguments of a stage's functions, entry by entry. */
export interface Ranges {
  readonly low: Float64Array;
  readonly high: Float64Array;
}
