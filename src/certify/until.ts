/** When work on some samples is to end, on `performance.now()`, and what cancels it. */
export interface Until {
  readonly end: number;
  readonly signal?: AbortSignal | undefined;
}
