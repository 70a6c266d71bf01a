import type { Effort } from '../measure.ts';
import type { OperationResult, OperationTask } from '../operations.ts';

/** A library that only multiplies. */
export interface Peer {
  readonly name: string;
  /** For people: version, device. */
  readonly description: string;
  readonly software: boolean;
  /** None where it has no such product. */
  product(task: OperationTask, effort: Effort): Promise<OperationResult | undefined>;
}
