/** What an option of `certifySamples` means that nobody has set: the one table that the library and the command line read. */
export const CERTIFY_DEFAULTS = {
  /** Of radii. */
  norm: '2',
  /** Evaluations of the moving centre for one pair of outputs. */
  evaluations: 120,
  /** Seconds for one sample. */
  timeLimit: Infinity,
  /** Starting points of the attack on what is left open, and gradients from each. */
  attackStarts: 8,
  attackSteps: 40,
  /** Gradients of the attack that comes before the dear proofs. */
  cheapSteps: 12,
  /** Of the attack's starting points. */
  seed: 0,
} as const;
