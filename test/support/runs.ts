/**
 * How many random networks a property looks at: half of `count` by default, so that the check stays quick (the hunter looks at others all the
 * time), and LIPSOID_RUNS times `count` for a thorough search (`LIPSOID_RUNS=50 npx vitest run test/soundness`). Which ones follows
 * from the seed: seed.ts.
 */
export function runs(count: number): number {
  const factor = Number(process.env.LIPSOID_RUNS ?? 0.5);
  if (!(factor > 0))
    throw new Error(`LIPSOID_RUNS: must be a positive number, got ${process.env.LIPSOID_RUNS}`);
  return Math.ceil(count * factor);
}

/** Time limit in milliseconds to go with it. */
export function patience(): number {
  return Math.max(400, runs(180)) * 1000;
}
