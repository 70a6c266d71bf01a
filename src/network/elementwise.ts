/** Elementwise functions: what they compute and the exact range of their slope (math.md §1). */
export interface Elementwise {
  readonly name: ElementwiseName;
  /** Parameters in the order `elementwise.ts` documents for the name; one entry per channel or one for all. */
  readonly parameters: readonly Float64Array[];
}
export type ElementwiseName = 'relu';
