/** Relative: what is as near as this to the Lipschitz constant counts as it. */
export const EXACT = 1e-6;
