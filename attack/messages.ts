/** What the parent and its workers say to each other. */
import type { Finding } from './hunt.ts';
import type { TallyDocument } from './tally.ts';

export type Question =
  | { readonly kind: 'trial'; readonly hunt: string; readonly seed: number }
  | { readonly kind: 'end' };

/** Of a trial. */
export interface Answer {
  /** Files in base64. */
  readonly finding?: Omit<Finding, 'files'> & { readonly files: readonly (readonly [string, string])[] };
  /** All that the worker has counted in this hunt so far. */
  readonly tally?: TallyDocument;
}
